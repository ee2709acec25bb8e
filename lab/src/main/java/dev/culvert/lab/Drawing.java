// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.util.ArrayList;
import java.util.List;

/** A lab as people draw it: containers to the left, hosts, and what joins them to the right. */
public final class Drawing {
  private final LabPlan plan;
  private final List<String> left = new ArrayList<>();
  private final List<Integer> hostRows = new ArrayList<>();

  private Drawing(LabPlan plan) {
    this.plan = plan;
  }

  /** Lines, without one after the last. */
  public static List<String> of(LabPlan plan) {
    Drawing drawing = new Drawing(plan);
    plan.hostList().forEach(drawing::addHost);
    return drawing.joined();
  }

  private void addHost(LabPlan.Host host) {
    if (!left.isEmpty()) {
      left.add("");
    }
    List<LabPlan.Container> containers = plan.containersOf(host);
    int rows = Math.max(1, containers.size());
    int hostRow = (rows - 1) / 2;
    for (int row = 0; row < rows; row++) {
      StringBuilder line = new StringBuilder();
      if (containers.isEmpty()) {
        line.append(" ".repeat(containerWidth() + 2));
      } else {
        line.append(padded(label(containers.get(row)), containerWidth()))
            .append(" ─")
            .append(corner(row, rows, row == hostRow));
      }
      if (row == hostRow) {
        hostRows.add(left.size());
        line.append("─ ").append(hostLabel(host));
      }
      left.add(line.toString());
    }
  }

  private static String label(LabPlan.Container container) {
    return container.name() + " " + container.address();
  }

  private int containerWidth() {
    return plan.containerList().stream()
        .mapToInt(container -> label(container).length())
        .max()
        .orElse(0);
  }

  private static String hostLabel(LabPlan.Host host) {
    return "%s  subnet %s  underlay %s ───%s"
        .formatted(
            host.name(),
            host.subnet(),
            host.address(),
            host.gateway().map(gateway -> " " + gateway + " ─").orElse(""));
  }

  private static char corner(int row, int rows, boolean host) {
    if (rows == 1) {
      return '─';
    }
    if (row == 0) {
      return host ? '┬' : '┐';
    }
    if (row == rows - 1) {
      return host ? '┴' : '┘';
    }
    return host ? '┼' : '┤';
  }

  private List<String> joined() {
    int width = left.stream().mapToInt(String::length).max().orElse(0);
    int first = hostRows.getFirst();
    int last = hostRows.getLast();
    int label = (first + last) / 2;
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < left.size(); row++) {
      boolean host = hostRows.contains(row);
      String line = left.get(row);
      if (host) {
        line += "─".repeat(width - line.length());
      }
      if (row >= first && row <= last) {
        line = padded(line, width) + trunk(row, host, row == label);
      }
      lines.add(line);
    }
    return lines;
  }

  private String trunk(int row, boolean host, boolean label) {
    int first = hostRows.getFirst();
    int last = hostRows.getLast();
    char branch;
    if (first == last) {
      branch = '─';
    } else if (!host) {
      branch = label ? '├' : '│';
    } else if (row == first) {
      branch = label ? '┬' : '┐';
    } else if (row == last) {
      branch = '┘';
    } else {
      branch = label ? '┼' : '┤';
    }
    return label ? branch + "─ " + middle() : String.valueOf(branch);
  }

  private String middle() {
    return switch (plan.underlay()) {
      case ROUTED -> "router, which knows nothing of " + LabPlan.NETWORK;
      case FLAT -> "one network, 192.168.0.0/24";
    };
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(width - text.length());
  }
}
