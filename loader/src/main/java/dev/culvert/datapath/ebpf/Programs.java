// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Wires;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.ProgramSpec;
import dev.culvert.kernel.bpf.BpfProgram;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Our object: found on the class path, given its settings, loaded on top of the pinned maps. */
final class Programs implements AutoCloseable {
  /** NO_BARE_NETWORK in bpf/src/config.h. */
  private static final long NO_BARE_NETWORK = 0xffff_ffffL;

  /** AS_IT_IS in bpf/src/config.h. */
  private static final long AS_IT_IS = 0xffff_ffffL;

  /**
   * What packets are of, as far as that is known.
   *
   * @param wires with a VNI only; empty: the configuration's port, and the network's own VNI
   */
  record Network(Optional<Vni> vni, Optional<Wires> wires) {}

  private final BpfObject object;
  private final Set<String> names;

  private Programs(BpfObject object) {
    this.object = object;
    this.names =
        object.spec().programs().stream()
            .map(ProgramSpec::name)
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Creates or reuses the pinned maps, loads the programs and pins them.
   *
   * @param network that the host routes, once that is known
   */
  static Programs load(Libc libc, Pins pins, EbpfConfig config, Network network) {
    Optional<Vni> vni = network.vni();
    Optional<Wires> changed = network.wires().filter(wires -> !isAsItIs(wires, vni.orElseThrow()));
    BpfObjectSpec spec =
        config
            .mapSizes()
            .applyTo(PrebuiltObject.spec())
            .withGlobal(
                "tunnel_port", network.wires().map(w -> w.own().port()).orElse(config.port()))
            .withGlobal(
                "other_port", network.wires().map(w -> w.other().port()).orElse(config.port()))
            .withGlobal("wire_vni", changed.map(w -> (long) w.own().vni().value()).orElse(AS_IT_IS))
            .withGlobal(
                "other_wire_vni", changed.map(w -> (long) w.other().vni().value()).orElse(AS_IT_IS))
            .withGlobal("source_port_min", config.sourcePorts().first())
            .withGlobal("source_port_max", config.sourcePorts().last())
            .withGlobal("path_mtu_lifetime_ns", config.pathMtuLifetime().toNanos())
            .withGlobal("udp_checksum6", config.udpChecksum6() ? 1 : 0)
            .withGlobal("bare_vni", vni.map(v -> (long) v.value()).orElse(NO_BARE_NETWORK));
    Programs programs =
        new Programs(BpfObject.loadPinned(libc, spec, pins.folder(), MapSizes.MAPS));
    try {
      for (String name : programs.names) {
        Pins.replace(pins.program(name), programs.object.program(name)::pin);
      }
    } catch (RuntimeException e) {
      programs.close();
      throw e;
    }
    return programs;
  }

  /** As before any change: by the configuration's port, and the network's own VNI. */
  static Programs load(Libc libc, Pins pins, EbpfConfig config, Optional<Vni> vni) {
    return load(libc, pins, config, new Network(vni, Optional.empty()));
  }

  private static boolean isAsItIs(Wires wires, Vni vni) {
    return wires.own().vni().equals(vni) && wires.other().vni().equals(vni);
  }

  BpfObject object() {
    return object;
  }

  /** Empty when the object has no such program. */
  Optional<BpfProgram> find(String name) {
    return names.contains(name) ? Optional.of(object.program(name)) : Optional.empty();
  }

  @Override
  public void close() {
    object.close();
  }
}
