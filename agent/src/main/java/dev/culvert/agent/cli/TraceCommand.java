// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.daemon.StopSignals;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.TraceView;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.trace.TraceEvent;
import dev.culvert.datapath.trace.Tracer;
import dev.culvert.datapath.trace.Whereabouts;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.KernelClock;
import dev.culvert.kernel.host.NetNamespace;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What becomes of packets, as it happens. */
@Command(
    name = "trace",
    description =
        "Show packets as they are dropped, or handed on (also while the agent is dead). Ends with Ctrl-C.")
public final class TraceCommand implements Runnable {
  /** Flows can be millions a second. */
  private static final int FLOW_SAMPLE = 100;

  /** How soon Ctrl-C is noticed. */
  private static final Duration TURN = Duration.ofMillis(250);

  @Mixin private ReadOptions options;
  @Spec private CommandSpec spec;

  @Option(names = "--drops", description = "Show what is dropped (the default).")
  private boolean drops;

  @Option(names = "--flows", description = "Show what is handed on, or left to the slow path.")
  private boolean flows;

  @Option(
      names = "--sample",
      paramLabel = "N",
      description =
          "One packet out of N, at random (default: 1, every packet; with --flows "
              + FLOW_SAMPLE
              + ").")
  private Integer sample;

  @Option(names = "--count", paramLabel = "N", description = "End after N packets.")
  private Integer count;

  @Option(
      names = "--src",
      paramLabel = "PREFIX",
      description = "Only packets with this inner source: an address or a prefix.")
  private String source;

  @Option(
      names = "--dst",
      paramLabel = "PREFIX",
      description = "Only packets with this inner destination: an address or a prefix.")
  private String destination;

  private volatile boolean stopped;
  private int shown;

  @Override
  public void run() {
    TraceFilter filter = new TraceFilter(prefix(source), prefix(destination));
    Tracer.Request request = request();
    Instance instance = options.instance();
    DatapathSnapshot datapath = options.inspect(instance);
    Libc libc = Libc.system();
    Optional<NetNamespace> namespace = HostNamespace.find(libc, instance);
    try (InterfaceNames names = new InterfaceNames(libc, namespace);
        StopSignals _ = StopSignals.install(kind -> stopped = true);
        Tracer tracer = Tracer.open(libc, instance.pins(), request)) {
      Instant started = Instant.now().minusNanos(KernelClock.monotonicNs(libc));
      while (!stopped && !isEnough()) {
        int _ =
            tracer.poll(
                TURN,
                event -> {
                  if (!isEnough() && filter.matches(event)) {
                    show(event, started, names, datapath);
                  }
                });
      }
      tellLost(tracer.lost());
    } finally {
      namespace.ifPresent(NetNamespace::close);
    }
  }

  /** The reader of our output may have gone: then there is nobody to trace for. */
  private boolean isEnough() {
    return (count != null && shown >= count) || options.out().checkError();
  }

  private Tracer.Request request() {
    if (count != null && count < 1) {
      throw usage("--count takes a number from 1 on.");
    }
    int oneOf = sample != null ? sample : flows ? FLOW_SAMPLE : 1;
    if (oneOf < 1) {
      throw usage("--sample takes a number from 1 on.");
    }
    return new Tracer.Request(drops || !flows, flows, oneOf);
  }

  private Optional<IpPrefix> prefix(String text) {
    try {
      return Optional.ofNullable(text).map(TraceFilter::parse);
    } catch (RefusedException | IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private void show(
      TraceEvent event, Instant started, InterfaceNames names, DatapathSnapshot datapath) {
    shown++;
    TraceView view =
        new TraceView(
            event,
            started.plusNanos(event.timeNs()),
            names.of(event.interfaceIndex()),
            vtep(event, datapath));
    PrintWriter out = options.out();
    out.println(options.json() ? Json.line(view.view()) : view.text(ZoneId.systemDefault()));
    out.flush();
  }

  /** An accepted packet has come from the VTEP that owns its source: that much the verdict says. */
  private static Optional<InetAddress> vtep(TraceEvent event, DatapathSnapshot datapath) {
    if (event.verdict() != Verdict.DECAPSULATED || event.vni().isEmpty()) {
      return Optional.empty();
    }
    return event
        .headers()
        .ip()
        .map(ip ->
            Whereabouts.of(ip.source(), event.vni().get(), datapath.state(), datapath.identity()))
        .flatMap(where ->
            where instanceof Whereabouts.Remote remote
                ? Optional.of(remote.subnet().remote().address())
                : Optional.empty());
  }

  private void tellLost(long lost) {
    if (lost > 0) {
      PrintWriter err = spec.commandLine().getErr();
      err.println(
          "culvert: %d packets came faster than they could be shown and are missing; use a larger --sample."
              .formatted(lost));
      err.flush();
    }
  }
}
