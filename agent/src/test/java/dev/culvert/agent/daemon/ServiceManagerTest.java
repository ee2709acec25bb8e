// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The texts are those of sd_notify(3). */
class ServiceManagerTest {
  private final List<String> sent = new ArrayList<>();
  private Optional<Errno> refusal = Optional.empty();

  private final Libc libc =
      (call, a, b, c, d, e, f) -> {
        if (call == Syscall.SENDTO) {
          byte[] bytes = MemorySegment.ofAddress(b).reinterpret(c).toArray(ValueLayout.JAVA_BYTE);
          sent.add(new String(bytes, UTF_8));
          return refusal.map(errno -> (long) -errno.number()).orElse(c);
        }
        return call == Syscall.SOCKET ? 77 : 0;
      };

  private ServiceManager manager(Map<String, String> environment) {
    return ServiceManager.of(libc, environment);
  }

  @Test
  void tellsWhatIsSo() {
    ServiceManager manager = manager(Map.of("NOTIFY_SOCKET", "/run/systemd/notify"));
    manager.waiting("for eth0:\n none", Duration.ofSeconds(30));
    manager.ready("subnet 10.244.1.0/24");
    manager.alive();
    manager.reloading(5_000_000);
    manager.stopping("done");
    assertEquals(
        List.of(
            "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=for eth0: none",
            "READY=1\nSTATUS=subnet 10.244.1.0/24",
            "WATCHDOG=1",
            "RELOADING=1\nMONOTONIC_USEC=5000",
            "STOPPING=1\nSTATUS=done"),
        sent);
  }

  @Test
  void withoutAManagerNothingIsSent() {
    manager(Map.of()).ready("x");
    manager(Map.of("NOTIFY_SOCKET", "")).ready("x");
    manager(Map.of("NOTIFY_SOCKET", "nonsense")).ready("x");
    assertEquals(List.of(), sent);
  }

  @Test
  void oneThatDoesNotListenHindersNothing() {
    refusal = Optional.of(Errno.EAGAIN);
    manager(Map.of("NOTIFY_SOCKET", "@abstract")).ready("x");
    assertEquals(1, sent.size());
  }

  @Test
  void theWatchdogIsOursOnlyWhereItSaysSo() {
    String self = Long.toString(ProcessHandle.current().pid());
    assertEquals(Optional.of(Duration.ofSeconds(30)), watchdog("30000000", self));
    assertEquals(Optional.empty(), watchdog("30000000", "1"));
    assertEquals(Optional.empty(), watchdog("soon", self));
    assertEquals(Optional.empty(), manager(Map.of("WATCHDOG_USEC", "30000000")).watchdog());
    assertEquals(
        Optional.of(Duration.ofSeconds(30)),
        manager(Map.of("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", "30000000")).watchdog());
  }

  private Optional<Duration> watchdog(String usec, String pid) {
    return manager(Map.of("NOTIFY_SOCKET", "/run/n", "WATCHDOG_USEC", usec, "WATCHDOG_PID", pid))
        .watchdog();
  }
}
