// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.ExplanationView;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.Instance;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.trace.Explainer;
import dev.culvert.datapath.trace.Explanation;
import dev.culvert.datapath.trace.ProbePacket;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.NetNamespace;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What would become of a packet. */
@Command(
    name = "explain",
    description =
        "Ask the loaded programs what they would do with a packet. Nothing is sent or counted (also while the agent is dead).")
public final class ExplainCommand implements Runnable {
  /** The names are what people type. */
  enum Protocol {
    tcp,
    udp,
    icmp
  }

  @Mixin private ReadOptions options;
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "SRC", description = "The container's address that sends.")
  private String source;

  @Parameters(paramLabel = "DST", description = "The address that it sends to.")
  private String destination;

  @Option(
      names = "--proto",
      paramLabel = "P",
      defaultValue = "tcp",
      description = "tcp, udp or icmp (default: ${DEFAULT-VALUE}).")
  private Protocol protocol;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "80",
      description = "The destination port of tcp and udp (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--size",
      paramLabel = "BYTES",
      defaultValue = "100",
      description = "Of the IP packet, headers included (default: ${DEFAULT-VALUE}).")
  private int size;

  @Option(
      names = "--sender",
      paramLabel = "ADDRESS",
      description =
          "Who really sends it: a container of this host, or a VTEP. To see what becomes of a forged packet.")
  private String sender;

  @Override
  public void run() {
    Explainer.Question question = question();
    Instance instance = options.instance();
    options.requirePins(instance);
    Libc libc = Libc.system();
    try (NetNamespace namespace = HostNamespace.require(libc, instance);
        InterfaceNames names = new InterfaceNames(libc, Optional.of(namespace))) {
      Explanation answer = namespace.run(() -> Explainer.explain(libc, instance.pins(), question));
      ExplanationView view = new ExplanationView(question, answer, names::of);
      options.out().print(options.json() ? Json.pretty(view.view()) + "\n" : view.text());
      options.out().flush();
    }
  }

  private Explainer.Question question() {
    try {
      return new Explainer.Question(
          new ProbePacket(
              IpPrefix.parseAddress(source),
              IpPrefix.parseAddress(destination),
              ProbePacket.Protocol.valueOf(protocol.name().toUpperCase(Locale.ROOT)),
              port,
              size),
          Optional.ofNullable(sender).map(IpPrefix::parseAddress));
    } catch (RefusedException | IllegalArgumentException e) {
      throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage());
    }
  }
}
