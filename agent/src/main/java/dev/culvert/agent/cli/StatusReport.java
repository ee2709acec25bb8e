// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Views;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.ControlClient.Reply;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.IpAddresses;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What "status" says, as text and as JSON. The agent's part is there only while it answers, and the
 * tables' only where they can be read.
 *
 * @param last who ran last, by the lock file
 * @param tables empty when they cannot be read
 * @param unreadable why they cannot be read, one sentence
 */
record StatusReport(
    Instance instance,
    Reply reply,
    Optional<InstanceLock.Holder> last,
    Optional<DatapathSnapshot> tables,
    Optional<String> unreadable) {

  /** The JSON form; without an answering agent, its fields are null. */
  Map<String, Object> view() {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("host", instance.host().text());
    view.put("pins", instance.pins().toString());
    view.put("agent", agentView());
    Optional<Identity> identity = tables.flatMap(DatapathSnapshot::identity);
    view.put("vtep", identity.map(own -> Views.vtep(own.vtep())));
    view.put("network", identity.map(own -> own.networks().getFirst().toString()));
    view.put(
        "networks", identity.map(own -> own.networks().stream().map(IpPrefix::toString).toList()));
    view.put("underlay", identity.map(Identity::underlay));
    for (String key : List.of("lease", "leases", "store", "decapsulation", "pending")) {
      view.put(key, answer().map(fields -> fields.get(key)).orElse(null));
    }
    view.put("problems", answer().isEmpty() && unreadable.isEmpty() ? null : problems());
    view.put(
        "subnets",
        tables.map(read ->
            read.state().remotes().stream().map(remote -> Views.remote(remote, read)).toList()));
    view.put(
        "localSubnets",
        tables.map(read -> read.state().locals().stream().map(Views::local).toList()));
    view.put(
        "endpoints",
        tables.map(read -> read.state().endpoints().stream().map(Views::endpoint).toList()));
    view.put("packetsHandled", tables.map(read -> packets(read, false)));
    view.put("packetsDropped", tables.map(read -> packets(read, true)));
    view.put(
        "programs",
        tables.map(read -> read.programs().stream().map(StatusReport::programView).toList()));
    view.put(
        "attached",
        tables.map(read -> read.attachments().stream().map(StatusReport::attachedView).toList()));
    return view;
  }

  /** The agent's, and why the tables cannot be read. */
  private List<Object> problems() {
    List<Object> problems = new ArrayList<>();
    unreadable.ifPresent(problems::add);
    if (answer().map(fields -> fields.get("problems")).orElse(null) instanceof List<?> told) {
      problems.addAll(told);
    }
    return problems;
  }

  private Map<String, Object> agentView() {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("running", !isDead());
    view.put("answering", answer().isPresent());
    view.put("pid", isDead() ? null : last.map(InstanceLock.Holder::pid));
    view.put("started", isDead() ? null : last.map(holder -> holder.started().toString()));
    return view;
  }

  private static Map<String, Object> programView(DatapathSnapshot.Loaded program) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("name", program.name());
    view.put("id", program.id());
    view.put("tag", program.tag());
    return view;
  }

  private static Map<String, Object> attachedView(DatapathSnapshot.Attached attached) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("pin", attached.name());
    view.put("program", attached.program());
    view.put("interfaceIndex", attached.interfaceIndex());
    return view;
  }

  /** The form for people. */
  String text() {
    StringBuilder out = new StringBuilder();
    line(out, "host", instance.host().text());
    line(out, "agent", agentText());
    tables.ifPresent(read -> identityText(out, read));
    answer().ifPresent(fields -> answerText(out, fields));
    list(out, "problem", problems());
    tables.ifPresent(read -> tablesText(out, read));
    return out.toString();
  }

  private static void identityText(StringBuilder out, DatapathSnapshot read) {
    if (read.programs().isEmpty()) { // Pinned datapaths have programs always.
      line(out, "datapath", "userspace: the agent carries the packets itself");
    }
    line(out, "subnet", locals(read));
    read.identity().ifPresent(own -> line(out, "VTEP", own.vtep() + " on " + own.underlay()));
  }

  private static void tablesText(StringBuilder out, DatapathSnapshot read) {
    line(out, "remote", remotes(read));
    line(out, "endpoints", Integer.toString(read.state().endpoints().size()));
    for (Endpoint endpoint : read.state().endpoints()) {
      endpoint
          .container()
          .ifPresent(
              whose -> line(out, "endpoint", IpAddresses.text(endpoint.address()) + ", " + whose));
    }
    line(out, "packets", packets(read, false) + " handled, " + packets(read, true) + " dropped");
    for (DatapathSnapshot.Loaded program : read.programs()) {
      line(out, "program", program.name() + ", id " + program.id() + ", tag " + program.tag());
    }
    for (DatapathSnapshot.Attached attached : read.attachments()) {
      line(
          out,
          "attached",
          attached.program()
              + attached
                  .interfaceIndex()
                  .map(index -> " on interface " + index)
                  .orElse(", on no interface of this network namespace"));
    }
  }

  private void answerText(StringBuilder out, Map<String, Object> fields) {
    if (fields.get("leases") instanceof List<?> leases && !leases.isEmpty()) {
      leases.forEach(lease -> line(out, "lease", leaseText((Map<?, ?>) lease, leases.size() > 1)));
    } else {
      line(out, "lease", "none");
    }
    if (fields.get("store") instanceof Map<?, ?> store) {
      line(
          out,
          "store",
          (Boolean.TRUE.equals(store.get("connected")) ? "connected" : "NOT CONNECTED")
              + ", revision "
              + store.get("revision"));
    }
    if (fields.get("decapsulation") instanceof Map<?, ?> choice) {
      line(out, "decap", "at %s: %s".formatted(choice.get("at"), choice.get("why")));
    }
    list(out, "pending", fields.get("pending"));
  }

  private static String leaseText(Map<?, ?> lease, boolean oneOfMany) {
    Object expires = lease.get("expires");
    return "%sgeneration %s, %s"
        .formatted(
            oneOfMany ? lease.get("subnet") + ", " : "",
            lease.get("generation"),
            expires == null ? "does not expire" : "expires " + expires);
  }

  private String agentText() {
    String who =
        last.map(holder -> "pid " + holder.pid() + ", started " + holder.started())
            .orElse("start unknown");
    return switch (reply) {
      case Reply.Answer ignored -> "running (" + who + ")";
      case Reply.None(ControlClient.Silence reason) ->
          switch (reason) {
            case NOT_RUNNING ->
                "not running (last: " + who + "); packets flow by what the kernel holds";
            case NOT_ANSWERING -> "running, but does not answer (" + who + "); look at its log";
          };
    };
  }

  private static String locals(DatapathSnapshot inspection) {
    return inspection.state().locals().isEmpty()
        ? "none"
        : inspection.state().locals().stream()
            .map(LocalSubnet::subnet)
            .distinct()
            .sorted()
            .map(Object::toString)
            .collect(Collectors.joining(", "));
  }

  private static String remotes(DatapathSnapshot inspection) {
    List<RemoteSubnet> remotes = inspection.state().remotes();
    Map<String, Long> ways =
        remotes.stream()
            .collect(
                Collectors.groupingBy(Views::way, java.util.TreeMap::new, Collectors.counting()));
    String detail =
        ways.entrySet().stream()
            .map(way -> way.getValue() + " " + way.getKey())
            .collect(Collectors.joining(", ", " (", ")"));
    long lowered =
        remotes.stream().filter(remote -> inspection.lowered(remote).isPresent()).count();
    return remotes.size()
        + (remotes.size() == 1 ? " subnet" : " subnets")
        + (ways.isEmpty() ? "" : detail)
        + (lowered == 0 ? "" : "; a router lowered the MTU of " + lowered);
  }

  private static long packets(DatapathSnapshot inspection, boolean dropped) {
    return inspection.counters().entrySet().stream()
        .filter(entry -> entry.getKey() != Verdict.PASSED)
        .filter(entry -> entry.getKey().isDrop() == dropped)
        .map(Map.Entry::getValue)
        .mapToLong(Counter::packets)
        .sum();
  }

  private boolean isDead() {
    return reply instanceof Reply.None(ControlClient.Silence reason)
        && reason == ControlClient.Silence.NOT_RUNNING;
  }

  private Optional<Map<String, Object>> answer() {
    return reply instanceof Reply.Answer(Map<String, Object> fields)
        ? Optional.of(fields)
        : Optional.empty();
  }

  private static void list(StringBuilder out, String label, Object values) {
    if (values instanceof List<?> list) {
      list.forEach(value -> line(out, label, value.toString()));
    }
  }

  private static void line(StringBuilder out, String label, String value) {
    out.append("%-10s %s%n".formatted(label, value));
  }
}
