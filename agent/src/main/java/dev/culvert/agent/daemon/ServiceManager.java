// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.socket.UnixDatagram;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What a service manager hears of us, by the protocol of sd_notify(3), where there is one. One that
 * does not listen hinders nothing. Any thread may call.
 */
final class ServiceManager {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final Libc libc;
  private final Optional<String> socket;
  private final Optional<Duration> watchdog;

  private ServiceManager(Libc libc, Optional<String> socket, Optional<Duration> watchdog) {
    this.libc = libc;
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /**
   * The one that started this process, if any.
   *
   * @param environment with NOTIFY_SOCKET and WATCHDOG_USEC (sd_watchdog_enabled(3))
   */
  static ServiceManager of(Libc libc, Map<String, String> environment) {
    Optional<String> forAnother =
        Optional.ofNullable(environment.get("WATCHDOG_PID"))
            .filter(pid -> !pid.equals(Long.toString(ProcessHandle.current().pid())));
    return new ServiceManager(
        libc,
        Optional.ofNullable(environment.get("NOTIFY_SOCKET")).filter(text -> !text.isEmpty()),
        Optional.ofNullable(environment.get("WATCHDOG_USEC"))
            .filter(text -> forAnother.isEmpty() && text.matches("[1-9]\\d{0,17}"))
            .map(text -> Duration.ofNanos(Long.parseLong(text) * 1000)));
  }

  /** After so much silence we count as dead; empty when nobody watches. */
  Optional<Duration> watchdog() {
    return socket.isPresent() ? watchdog : Optional.empty();
  }

  void ready(String status) {
    send("READY=1\n" + status(status));
  }

  void alive() {
    send("WATCHDOG=1");
  }

  /**
   * Not ready yet, and not at fault.
   *
   * @param extension how long the manager is to wait from now on at least
   */
  void waiting(String status, Duration extension) {
    send("EXTEND_TIMEOUT_USEC=" + extension.toNanos() / 1000 + "\n" + status(status));
  }

  /** Until {@link #ready} is told again. */
  void reloading(long monotonicNs) {
    send("RELOADING=1\nMONOTONIC_USEC=" + monotonicNs / 1000);
  }

  void stopping(String status) {
    send("STOPPING=1\n" + status(status));
  }

  private static String status(String text) {
    return "STATUS=" + text.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private void send(String message) {
    if (socket.isEmpty()) {
      return;
    }
    try {
      UnixDatagram.send(libc, socket.get(), message.getBytes(StandardCharsets.UTF_8));
    } catch (KernelException | RefusedException e) {
      LOG.log(Level.DEBUG, "The service manager was not told: {0}", e.getMessage());
    }
  }
}
