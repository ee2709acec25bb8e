// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Failed;
import dev.culvert.cni.conformance.check.NotApplicable;
import dev.culvert.cni.conformance.check.Stage;
import dev.culvert.cni.conformance.net.IpException;
import dev.culvert.cni.conformance.net.Namespace;
import dev.culvert.cni.conformance.net.Namespaces;
import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.Plugin;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Runs checks on a plugin, one after the other, in network namespaces that it makes and removes.
 * {@link #close} may be called by another thread, to stop it.
 */
public final class Kit implements AutoCloseable {
  /** Whoever hangs this often will go on doing so. */
  private static final int HANGS = 3;

  /**
   * What to call and where.
   *
   * @param host the namespace that takes the host's part: "own" for a new one, "current" for the
   *     one that the kit is started in, or a name of ip-netns(8)
   * @param bound how long a call may take
   */
  public record Target(Path plugin, String cniPath, String host, Duration bound) {
    static final String OWN = "own";
    static final String CURRENT = "current";
  }

  private final AtomicBoolean closing = new AtomicBoolean();
  private final Namespaces namespaces = new Namespaces();
  private final Plugin plugin;
  private final Stage stage;
  private final Stage.Options options;

  public Kit(Target target, Stage.Options options) {
    this.options = options;
    Namespaces.sweep();
    Namespace host =
        switch (target.host()) {
          case Target.OWN -> namespaces.create();
          case Target.CURRENT -> new Namespace("");
          default -> new Namespace(target.host());
        };
    plugin =
        new Plugin(
            new Plugin.Settings(target.plugin(), target.cniPath(), host.path(), target.bound()));
    stage = new Stage(options, plugin, namespaces, host);
  }

  /**
   * The versions that both the plugin and the kit know, the oldest first; where VERSION does not
   * say, the fallback alone.
   */
  public List<CniVersion> spoken(CniVersion fallback) {
    Answer answer =
        plugin.call(Call.of("VERSION", Map.of("cniVersion", CniVersion.V1_0_0.toString())));
    try {
      if (answer.succeeded() && answer.object().get("supportedVersions") instanceof List<?> list) {
        return CniVersion.KNOWN.stream()
            .filter(version -> list.contains(version.toString()))
            .toList();
      }
    } catch (IOException e) {
      // version.answers says so
    }
    return List.of(fallback);
  }

  /**
   * Runs checks.
   *
   * @param versions at least one, the oldest first
   * @param watcher is told each result as soon as it is known
   */
  public Report run(List<Check> checks, List<CniVersion> versions, Consumer<Result> watcher) {
    CniVersion newest = versions.getLast();
    stage.rehearse(newest, checks.stream().anyMatch(Check::counting));
    List<Result> results = new ArrayList<>();
    for (Check check : checks) {
      for (Optional<CniVersion> version : versionsFor(check, versions)) {
        Result result = result(check, version);
        results.add(result);
        watcher.accept(result);
      }
    }
    return new Report(plugin.name(), versions, options.seed(), results);
  }

  private static List<Optional<CniVersion>> versionsFor(Check check, List<CniVersion> versions) {
    List<CniVersion> possible =
        versions.stream().filter(version -> version.isAtLeast(check.since())).toList();
    if (possible.isEmpty()) {
      return List.of(Optional.empty());
    }
    return check.eachVersion()
        ? possible.stream().map(Optional::of).toList()
        : List.of(Optional.of(possible.getLast()));
  }

  private Result result(Check check, Optional<CniVersion> version) {
    if (version.isEmpty()) {
      return new Result(
          check,
          version,
          Result.Status.NOT_APPLICABLE,
          "the plugin speaks no " + check.since() + ", which brought it");
    }
    if (plugin.hangs() >= HANGS) {
      return new Result(
          check,
          version,
          Result.Status.FAILED,
          "Not tried, since " + plugin.name() + " hung " + plugin.hangs() + " times before.");
    }
    try {
      stage.run(check, version.get());
      return new Result(check, version, Result.Status.PASSED, "");
    } catch (Failed e) {
      return new Result(check, version, Result.Status.FAILED, e.getMessage());
    } catch (NotApplicable e) {
      return new Result(check, version, Result.Status.NOT_APPLICABLE, e.getMessage());
    } catch (IpException e) {
      return new Result(
          check, version, Result.Status.FAILED, "It could not be tried: " + e.getMessage());
    }
  }

  /** Deletes what is attached and removes the namespaces; a running check comes to nothing. */
  @Override
  public void close() {
    if (!closing.compareAndSet(false, true)) {
      return; // whoever stopped the kit is at it, and alone calls the plugin
    }
    stage.abandon();
    namespaces.close();
  }
}
