// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes interfaces out of the overlay again. */
@Command(
    name = "detach",
    description = "Take a namespace's interfaces, one address, or a bridge out of the overlay.")
public final class DetachCommand implements Runnable {
  /** What is detached. */
  static final class What {
    @Parameters(
        paramLabel = "NETNS|ADDRESS",
        description = "A namespace as in attach, or an endpoint's address.")
    private String target;

    @Option(
        names = "--bridge",
        paramLabel = "NAME",
        required = true,
        description = "A bridge that was attached.")
    private String bridge;
  }

  private static final String PURPOSE = "nothing can be detached";

  @ArgGroup(multiplicity = "1")
  private What what;

  @Mixin private HostOptions host;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    if (what.bridge != null) {
      Map<String, Object> _ =
          Answers.ask(
              host.instance(), Map.of("request", "detach-bridge", "bridge", what.bridge), PURPOSE);
      out.println("detached bridge " + what.bridge);
      return;
    }
    Map<String, Object> answer = Answers.ask(host.instance(), request(what.target), PURPOSE);
    for (Object address : (List<?>) answer.get("addresses")) {
      out.println("detached " + address);
    }
  }

  private static Map<String, Object> request(String target) {
    Optional<InetAddress> address = address(target);
    return address.isPresent()
        ? Map.of("request", "detach", "address", IpAddresses.text(address.get()))
        : Map.of("request", "detach", "netns", Namespaces.path(target).toString());
  }

  private static Optional<InetAddress> address(String text) {
    try {
      return Optional.of(IpPrefix.parseAddress(text));
    } catch (RefusedException name) {
      return Optional.empty();
    }
  }
}
