// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.object.Btf;
import dev.culvert.kernel.object.Btf.Kind;
import dev.culvert.kernel.object.StructLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The mirrors of bpf(2)'s structs, held against the header's own types (uapi.bpf.c). */
final class BpfStructsTest {
  private static final List<StructLayout> COMMANDS =
      List.of(
          BpfStructs.MapCreate.LAYOUT,
          BpfStructs.MapElement.LAYOUT,
          BpfStructs.MapBatch.LAYOUT,
          BpfStructs.BtfLoad.LAYOUT,
          BpfStructs.ProgLoad.LAYOUT,
          BpfStructs.TestRun.LAYOUT,
          BpfStructs.Pin.LAYOUT,
          BpfStructs.GetId.LAYOUT,
          BpfStructs.GetInfo.LAYOUT,
          BpfStructs.LinkCreate.LAYOUT,
          BpfStructs.LinkUpdate.LAYOUT,
          BpfStructs.LinkDetach.LAYOUT,
          BpfStructs.EnableStats.LAYOUT);

  private static final List<StructLayout> INFOS =
      List.of(BpfInfo.Program.LAYOUT, BpfInfo.Map.LAYOUT, BpfInfo.Link.LAYOUT);

  /** Where a field lies in bytes; of a bit field only where it begins. */
  private record Place(int offset, int size) {}

  private static final Btf BTF = TestObjects.spec("uapi").btf();

  @Test
  void aCommandsFieldsLieWhereTheKernelLooks() {
    Btf.Type attr = BTF.find(Kind.UNION, "bpf_attr").orElseThrow();
    for (StructLayout layout : COMMANDS) {
      assertTrue(
          attr.members().stream().anyMatch(member -> holds(places(member.typeId()), layout)),
          () -> "no struct of union bpf_attr has the fields of " + layout.name());
    }
  }

  @Test
  void anObjectsFieldsLieWhereTheKernelWritesThem() {
    for (StructLayout layout : INFOS) {
      var places = places(BTF.find(Kind.STRUCT, layout.name()).orElseThrow().id());
      for (StructLayout.Field field : layout.fields()) {
        if (!field.name().equals("pad")) {
          assertEquals(places.get(field.name()), place(field), layout.name() + "." + field.name());
        }
      }
    }
  }

  @Test
  void aMirrorThatIsWrongIsFound() {
    StructLayout swapped = StructLayout.of("link_update").u32("new_prog_fd").u32("link_fd").build();
    Btf.Type attr = BTF.find(Kind.UNION, "bpf_attr").orElseThrow();
    assertTrue(
        attr.members().stream().noneMatch(member -> holds(places(member.typeId()), swapped)));
  }

  private static boolean holds(Map<String, Place> places, StructLayout layout) {
    return layout.fields().stream()
        .allMatch(field -> place(field).equals(places.get(field.name())));
  }

  private static Place place(StructLayout.Field field) {
    return new Place(field.offsetBytes(), field.sizeBytes());
  }

  /** Every field of a struct or union by its path, as C writes it. */
  private static Map<String, Place> places(int typeId) {
    Map<String, Place> places = new HashMap<>();
    collect(BTF.resolve(typeId), "", 0, places);
    return places;
  }

  private static void collect(Btf.Type type, String prefix, long bits, Map<String, Place> places) {
    for (Btf.Member member : type.members()) {
      Btf.Type target = BTF.resolve(member.typeId());
      long at = bits + member.offset();
      places.put(prefix + member.name(), new Place((int) (at / 8), BTF.sizeOf(member.typeId())));
      if (target.kind() == Kind.STRUCT || target.kind() == Kind.UNION) {
        collect(
            target, member.name().isEmpty() ? prefix : prefix + member.name() + ".", at, places);
      }
    }
  }
}
