// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class EbpfConfigTest {
  private static final Path PINS = Path.of("/sys/fs/bpf/culvert/host-01");

  private static EbpfConfig.Builder builder() {
    return EbpfConfig.builder(PINS, new InterfaceName("eth0"));
  }

  @Test
  void defaultsAreThoseOfTheDocuments() {
    EbpfConfig config = builder().build();
    assertEquals(PINS, config.pins());
    assertEquals(new InterfaceName("eth0"), config.underlay());
    assertEquals(List.of(), config.moreUnderlays());
    assertEquals(4789, config.port()); // RFC 7348 section 5
    assertEquals(new SourcePorts(49152, 65535), config.sourcePorts()); // RFC 6335
    assertEquals(Decapsulation.TC, config.decapsulation());
    assertEquals(Duration.ofMinutes(10), config.pathMtuLifetime());
    assertFalse(config.udpChecksum6());
  }

  @Test
  void aBuilderGoesOnWithoutChangingWhatItBuilt() {
    EbpfConfig.Builder builder = builder().port(8472);
    EbpfConfig first = builder.build();
    EbpfConfig second =
        builder.port(4790).moreUnderlays(List.of(new InterfaceName("eth1"))).build();
    assertEquals(8472, first.port());
    assertEquals(List.of(), first.moreUnderlays());
    assertEquals(4790, second.port());
    assertEquals(List.of(new InterfaceName("eth1")), second.moreUnderlays());
  }

  @Test
  void badSettingsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> builder().port(70000));
    assertThrows(IllegalArgumentException.class, () -> builder().port(0));
    assertThrows(
        IllegalArgumentException.class, () -> builder().pathMtuLifetime(Duration.ofMillis(999)));
    assertThrows(IllegalArgumentException.class, () -> new SourcePorts(65535, 49152));
    assertThrows(IllegalArgumentException.class, () -> new SourcePorts(0, 49152));
    assertThrows(IllegalArgumentException.class, () -> new SourcePorts(1, 65536));
  }
}
