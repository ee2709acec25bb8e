// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Vni;
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
   * @param vni the network that the host routes, once that is known
   */
  static Programs load(Libc libc, Pins pins, EbpfConfig config, Optional<Vni> vni) {
    BpfObjectSpec spec =
        config
            .mapSizes()
            .applyTo(PrebuiltObject.spec())
            .withGlobal("tunnel_port", config.port())
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
