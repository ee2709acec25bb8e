// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Who reaches whom: every container pings every container. */
public final class Matrix {
  private final Shell shell;

  public Matrix(Shell shell) {
    this.shell = shell;
  }

  /** What was seen: for each container the names of those that it reaches. */
  public record Seen(List<LabPlan.Container> containers, Map<String, List<String>> reached) {
    public boolean complete() {
      return reached.values().stream().allMatch(names -> names.size() == containers.size());
    }

    /** A table for people: rows ping columns. */
    public List<String> table() {
      List<String> lines = new ArrayList<>();
      int width =
          containers.stream().mapToInt(container -> container.name().length()).max().orElse(0);
      StringBuilder head = new StringBuilder(" ".repeat(width));
      containers.forEach(container -> head.append("%5d".formatted(container.number())));
      lines.add(head.toString());
      for (LabPlan.Container from : containers) {
        StringBuilder line = new StringBuilder(from.name());
        line.append(" ".repeat(width - from.name().length()));
        for (LabPlan.Container to : containers) {
          line.append(reached.get(from.name()).contains(to.name()) ? "   ok" : "   --");
        }
        lines.add(line.toString());
      }
      return lines;
    }
  }

  /** All pairs. */
  public Seen all(List<LabPlan.Container> containers) {
    List<String> addresses = containers.stream().map(LabPlan.Container::address).toList();
    Map<String, Set<String>> answers =
        containers.parallelStream()
            .collect(
                Collectors.toConcurrentMap(
                    LabPlan.Container::name, from -> answering(from, addresses)));
    Map<String, List<String>> reached = new LinkedHashMap<>();
    for (LabPlan.Container from : containers) {
      reached.put(
          from.name(),
          containers.stream()
              .filter(to -> answers.get(from.name()).contains(to.address()))
              .map(LabPlan.Container::name)
              .toList());
    }
    return new Seen(containers, reached);
  }

  /** The containers that do not reach an address. */
  public List<String> failing(List<LabPlan.Container> containers, String address) {
    return containers.parallelStream()
        .filter(from -> answering(from, List.of(address)).isEmpty())
        .map(LabPlan.Container::name)
        .toList();
  }

  private Set<String> answering(LabPlan.Container from, List<String> addresses) {
    StringBuilder script = new StringBuilder();
    for (String address : addresses) {
      script.append(
          "(ping -q -n -c 1 -W 1 %s > /dev/null 2>&1 && echo %s) &\n".formatted(address, address));
    }
    script.append("wait\n");
    return shell
        .output(Command.of("sh", "-s").in(from.namespace()).reading(script.toString()))
        .lines()
        .collect(Collectors.toSet());
  }
}
