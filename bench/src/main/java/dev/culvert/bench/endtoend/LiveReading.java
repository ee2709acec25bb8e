// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.agent.cli.TableReader;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Shell;
import dev.culvert.lab.Topology;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What the kernel and Culvert's own counters say of one program at one moment, totals since it was
 * loaded. Immutable.
 *
 * @param ns of all runs, with the helpers that they called
 * @param counted packets that the program did its work on, and their bytes
 */
record LiveReading(long runs, long ns, Counter counted) {
  /** A program of the way from the client to the server, on the host where most of it happens. */
  enum Program {
    FROM_CONTAINER(Verdict.ENCAPSULATED),
    FROM_UNDERLAY(Verdict.DECAPSULATED),
    /** Has no counters of its own: its frames are the device's, which counts outer IP packets. */
    STRIP_AT_XDP(null);

    private final Verdict verdict;

    Program(Verdict verdict) {
      this.verdict = verdict;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final Path PINS = Path.of("/sys/fs/bpf/culvert");

  /** Fields of a line in /proc/net/dev, behind the name: bytes and packets received. */
  private static final int RECEIVED_BYTES = 1;

  private static final int RECEIVED_PACKETS = 2;

  /** Empty where the host does not run that program. */
  static Optional<LiveReading> of(Program program, LabPlan.Host host, Shell shell) {
    DatapathSnapshot pinned = TableReader.kernel().read(PINS.resolve(host.instance()));
    // What is not attached is pinned nevertheless.
    boolean attached =
        pinned.attachments().stream()
            .anyMatch(attachment -> attachment.program().equals(program.toString()));
    return pinned.programs().stream()
        .filter(_ -> attached)
        .filter(info -> info.name().equals(program.toString()))
        .findFirst()
        .map(info -> {
          Counter counted =
              program.verdict == null
                  ? received(host, shell)
                  : pinned.counters().get(program.verdict);
          return new LiveReading(info.runCount(), info.runTimeNs(), counted);
        });
  }

  private static Counter received(LabPlan.Host host, Shell shell) {
    return deviceCounter(shell.output(Command.of("cat", "/proc/net/dev").in(host.namespace())));
  }

  /** What the underlay device received, of the text of /proc/net/dev. */
  static Counter deviceCounter(String text) {
    String[] fields =
        text.lines()
            .map(String::strip)
            .filter(line -> line.startsWith(Topology.DEVICE + ":"))
            .findFirst()
            .orElseThrow(() -> new LabException("/proc/net/dev has no " + Topology.DEVICE + "."))
            .split("[:\\s]+", -1);
    return new Counter(
        Long.parseLong(fields[RECEIVED_PACKETS]), Long.parseLong(fields[RECEIVED_BYTES]));
  }

  LiveReading minus(LiveReading before) {
    return new LiveReading(
        runs - before.runs,
        ns - before.ns,
        new Counter(
            counted.packets() - before.counted.packets(),
            counted.bytes() - before.counted.bytes()));
  }

  double meanNs() {
    return (double) ns / runs;
  }

  double meanBytes() {
    return (double) counted.bytes() / counted.packets();
  }

  /** Whether nearly all runs did the program's work; a few are for ARP and the like. */
  boolean didItsWork() {
    return runs > 0 && counted.packets() >= 0.95 * runs;
  }
}
