// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Namespace;
import dev.culvert.cni.conformance.net.Namespaces;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import dev.culvert.cni.conformance.plugin.Plugin;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Where all trials of a run take place: the plugin, the host, and what is known of both. */
public final class Stage {
  /**
   * What the person who runs the kit chose.
   *
   * @param second another network that may live beside the first
   * @param parallel how many containers come and go at once
   * @param rounds how often a plugin is killed in each kill check
   * @param poolLimit up to how many addresses the kit counts
   * @param outage how to take down what the plugin depends on
   */
  public record Options(
      NetworkConfig network,
      Optional<NetworkConfig> second,
      int parallel,
      int rounds,
      long seed,
      int poolLimit,
      Optional<Outage> outage) {
    /** The second network; where none is given, the first under another name. */
    NetworkConfig other() {
      return second.orElseGet(() -> network.named(network.name() + "-second"));
    }
  }

  private final Options options;
  private final Plugin plugin;
  private final Namespaces namespaces;
  private final Namespace host;
  private final AtomicInteger ids = new AtomicInteger();
  private volatile Set<String> kept;
  private volatile OptionalInt capacity = OptionalInt.empty();

  public Stage(Options options, Plugin plugin, Namespaces namespaces, Namespace host) {
    this.options = options;
    this.plugin = plugin;
    this.namespaces = namespaces;
    this.host = host;
    this.kept = host.names();
  }

  public Plugin plugin() {
    return plugin;
  }

  Options options() {
    return options;
  }

  Namespaces namespaces() {
    return namespaces;
  }

  Namespace host() {
    return host;
  }

  /** The interfaces on the host while nothing is attached: a bridge stays, for example. */
  Set<String> kept() {
    return kept;
  }

  /**
   * Containers come and go in each network, so that whatever the plugin makes once is there.
   *
   * @param counting whether to count how many containers can be attached, before anything can leak
   */
  public void rehearse(CniVersion version, boolean counting) {
    try (Trial trial = new Trial(this, version)) {
      current = trial;
      comeAndGo(trial);
      Set<String> both = host.names();
      comeAndGo(trial);
      // What bears one container's name is not there after both, even where the kernel has yet to
      // remove it.
      both.retainAll(host.names());
      kept = both;
      if (counting) {
        capacity = Pool.count(trial, options.poolLimit());
      }
    } catch (Failed e) {
      // The checks will say so, one by one.
    } finally {
      current = null;
    }
  }

  private void comeAndGo(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.success(trial.del(added), "DEL");
    trial.remove(added.attachment().container());
    Attachment other = trial.attachment(options.other());
    if (trial.add(other).succeeded()) {
      Expect.success(trial.del(other), "DEL in a second network");
    }
    trial.remove(other.container());
  }

  /** Runs one check in one version. */
  public void run(Check check, CniVersion version) throws Failed, NotApplicable {
    try (Trial trial = new Trial(this, version)) {
      current = trial;
      check.body().run(trial);
    } finally {
      current = null;
    }
  }

  private volatile Trial current;

  /**
   * For whoever stops the kit: from now on nobody else calls the plugin, and what the running check
   * has added is deleted.
   */
  public void abandon() {
    // First: as soon as it can call nothing any more, the check ends, with all still attached.
    Trial trial = current;
    plugin.reserveForThisThread();
    if (trial != null) {
      trial.close();
    }
  }

  /** How many containers can be attached at once; empty for more than the kit counts. */
  OptionalInt capacity() {
    return capacity;
  }

  /** The same figures in each check, whichever others ran before. */
  Random random(String check) {
    return new Random(options.seed() ^ check.hashCode());
  }

  String newId() {
    String unique =
        ProcessHandle.current().pid() + " " + System.nanoTime() + " " + ids.incrementAndGet();
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(unique.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
