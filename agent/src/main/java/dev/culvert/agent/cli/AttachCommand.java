// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Json;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Gives a namespace an interface in the overlay, or lets a bridge's containers in. */
@Command(
    name = "attach",
    description =
        "Give a network namespace an interface in the overlay, or let a bridge's containers in.")
public final class AttachCommand implements Runnable {
  /** What is attached. */
  static final class What {
    @Parameters(
        paramLabel = "NETNS",
        description =
            "A name of ip-netns(8), a path such as /proc/PID/ns/net, or a process number.")
    private String netns;

    @Option(
        names = "--bridge",
        paramLabel = "NAME",
        required = true,
        description = "A bridge that somebody else made.")
    private String bridge;
  }

  @ArgGroup(multiplicity = "1")
  private What what;

  @Option(
      names = "--interface",
      paramLabel = "NAME",
      defaultValue = "eth0",
      description =
          "The container's interface to create, or with --existing to use (default: ${DEFAULT-VALUE}).")
  private String interfaceName;

  @Option(
      names = "--existing",
      description =
          "Use the veth pair that somebody else made, with the address that it has in this host's subnet; nothing of it is changed.")
  private boolean existing;

  @Option(
      names = "--address",
      paramLabel = "ADDRESS",
      description =
          "Its address (default: the lowest that is free); may be given once for each IP family.")
  private List<String> addresses = List.of();

  @Option(
      names = "--label",
      paramLabel = "TEXT",
      description =
          "What you call the container; kept with its interface, and shown by \"culvert endpoints\".")
  private String label;

  @Option(names = "--json", description = "Print the endpoint as JSON.")
  private boolean json;

  @Mixin private HostOptions host;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    if (what.bridge != null) {
      attachBridge();
    } else {
      attachNamespace();
    }
  }

  private void attachBridge() {
    if (!addresses.isEmpty() || json || existing || label != null) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--address, --existing, --label and --json do not go with --bridge.");
    }
    Map<String, Object> _ =
        Answers.ask(
            host.instance(),
            Map.of("request", "attach-bridge", "bridge", what.bridge),
            "nothing can be attached");
    spec.commandLine().getOut().println("attached bridge " + what.bridge);
  }

  private void attachNamespace() {
    if (!addresses.isEmpty() && existing) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--address does not go with --existing: the interface has one.");
    }
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("request", existing ? "attach-existing" : "attach");
    request.put("netns", Namespaces.path(what.netns).toString());
    request.put("interface", interfaceName);
    if (label != null) {
      request.put("label", new ContainerLabel(label).text());
    }
    if (!addresses.isEmpty()) {
      request.put(
          "addresses",
          addresses.stream().map(a -> IpAddresses.text(IpPrefix.parseAddress(a))).toList());
    }
    Map<String, Object> answer = Answers.ask(host.instance(), request, "nothing can be attached");
    Map<?, ?> endpoint = (Map<?, ?>) answer.get("endpoint");
    spec.commandLine()
        .getOut()
        .println(
            json
                ? Json.pretty(endpoint)
                : "attached %s %s: %s"
                    .formatted(what.netns, interfaceName, text(endpoint.get("addresses"))));
  }

  private static String text(Object addresses) {
    return addresses instanceof List<?> list
        ? list.stream().map(String::valueOf).collect(Collectors.joining(", "))
        : String.valueOf(addresses);
  }
}
