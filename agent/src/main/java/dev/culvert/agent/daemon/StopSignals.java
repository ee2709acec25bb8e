// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Tells Ctrl-C (a person, who wants everything gone) from SIGTERM (a service manager) and from
 * SIGHUP (read the configuration again). Shutdown hooks cannot, hence {@code sun.misc.Signal},
 * which the module jdk.unsupported keeps for this.
 */
public final class StopSignals implements AutoCloseable {
  /** Why we are to stop. */
  public enum Kind {
    INTERRUPT("INT"),
    TERMINATE("TERM");

    private final String name;

    Kind(String name) {
      this.name = name;
    }

    private Signal signal() {
      return new Signal(name);
    }
  }

  private static final Signal HANG_UP = new Signal("HUP");

  private final Map<Kind, SignalHandler> before = new EnumMap<>(Kind.class);
  private Optional<SignalHandler> beforeHangUp = Optional.empty();

  private StopSignals() {}

  /**
   * Listens; the second signal of a kind ends the process at once, for who has no patience.
   *
   * @param listener called on a thread of the JVM's
   */
  public static StopSignals install(Consumer<Kind> listener) {
    StopSignals signals = new StopSignals();
    for (Kind kind : Kind.values()) {
      SignalHandler once =
          signal -> {
            Signal.handle(signal, SignalHandler.SIG_DFL);
            listener.accept(kind);
          };
      signals.before.put(kind, Signal.handle(kind.signal(), once));
    }
    return signals;
  }

  /**
   * The same, with SIGHUP, which is no reason to stop.
   *
   * @param onHangUp called each time, on a thread of the JVM's
   */
  static StopSignals install(Consumer<Kind> listener, Runnable onHangUp) {
    StopSignals signals = install(listener);
    signals.beforeHangUp = Optional.of(Signal.handle(HANG_UP, signal -> onHangUp.run()));
    return signals;
  }

  @Override
  public void close() {
    before.forEach((kind, handler) -> Signal.handle(kind.signal(), handler));
    beforeHangUp.ifPresent(handler -> Signal.handle(HANG_UP, handler));
  }
}
