// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.NfTables;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Keeps {@link BypassRules} in the kernel, by nft(8). Where that or the kernel lacks something, the
 * host's stack forwards the overlay's packets, through its firewall. Owned by one thread.
 */
final class ForwardBypass {
  private static final System.Logger LOG = System.getLogger(ForwardBypass.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** What was refused is not tried at each change of a link. */
  private static final Duration PAUSE = Duration.ofSeconds(30);

  private final Libc libc;
  private final NetNamespace namespace;
  private String done = "";
  private String refused = "";
  private long refusedAtNs;

  ForwardBypass(Libc libc, NetNamespace namespace) {
    this.libc = libc;
    this.namespace = namespace;
  }

  /** Makes the rules as they should be, in one transaction, unless they are. */
  void keep(BypassRules rules) {
    String text = rules.text();
    Set<String> present = namespace.run(() -> NfTables.chainsOf(libc, BypassRules.TABLE));
    if (text.equals(done) && present.equals(rules.chains())) {
      return;
    }
    Set<String> surplus = new TreeSet<>(present);
    surplus.removeAll(rules.chains());
    if (isRefusedLately(text)) {
      return;
    }
    StringBuilder script = new StringBuilder(text);
    surplus.forEach(
        chain -> script.append("delete chain netdev %s %s\n".formatted(BypassRules.TABLE, chain)));
    Optional<String> refusal = nft(script.toString());
    if (refusal.isEmpty()) {
      done = text;
      refused = "";
    } else {
      refused = text;
      refusedAtNs = System.nanoTime();
      LOG.log(
          Level.INFO,
          "The host''s stack forwards the overlay''s packets, through its firewall: {0}",
          refusal.get());
    }
  }

  private boolean isRefusedLately(String text) {
    return text.equals(refused) && System.nanoTime() - refusedAtNs < PAUSE.toNanos();
  }

  /** Removes all of it; nothing where it is not. */
  void remove() {
    done = "";
    if (!namespace.run(() -> NfTables.chainsOf(libc, BypassRules.TABLE)).isEmpty()) {
      nft("delete table netdev " + BypassRules.TABLE + "\n")
          .ifPresent(refusal ->
              LOG.log(
                  Level.WARNING,
                  "The table {0} of nftables, family netdev, is left: {1}",
                  BypassRules.TABLE,
                  refusal));
    }
  }

  /** Empty when all of the script was done; else nothing of it, and why. */
  private Optional<String> nft(String script) {
    // The child runs in the namespace of the thread that starts it.
    return namespace.run(() -> {
      try {
        Process process = new ProcessBuilder("nft", "-f", "-").redirectErrorStream(true).start();
        try (OutputStream in = process.getOutputStream()) {
          in.write(script.getBytes(StandardCharsets.UTF_8));
        }
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
          process.destroyForcibly();
          return Optional.of("nft did not end within " + PATIENCE.toSeconds() + " s");
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.exitValue() == 0
            ? Optional.empty()
            : Optional.of("nft: " + said.lines().findFirst().orElse("no reason given"));
      } catch (IOException e) {
        return Optional.of("nft (package nftables) cannot be run: " + e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.of("interrupted");
      }
    });
  }
}
