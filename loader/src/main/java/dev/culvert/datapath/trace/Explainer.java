// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Says what would become of a packet, by asking the loaded programs: BPF_PROG_TEST_RUN on the live
 * maps. Nothing is sent, and nothing is counted: the packet bears a mark, by which the programs
 * know that it is ours.
 */
public final class Explainer {
  /**
   * A question.
   *
   * @param packet inner packets only: what a container sends, not what a tunnel carries
   * @param sender who sends the packet, when it is not who may: the address of a container of this
   *     host, or the underlay address of a VTEP
   */
  public record Question(ProbePacket packet, Optional<InetAddress> sender) {
    /** Checks that all is there. */
    public Question {
      Objects.requireNonNull(packet, "packet");
      Objects.requireNonNull(sender, "sender");
    }
  }

  /** Offsets in struct __sk_buff (linux/bpf.h), which is 192 bytes long. */
  private static final int CONTEXT_MARK = 8;

  private static final int CONTEXT_IFINDEX = 40;
  private static final int CONTEXT_BYTES = 192;

  /** The programs may forget us once, when another tracer dies just then. */
  private static final int ATTEMPTS = 3;

  private final Libc libc;
  private final Pins pins;
  private final Identity identity;
  private final Datapath.State state;
  private final ProbeFrames frames;

  private Explainer(Libc libc, Pins pins, DatapathSnapshot datapath, List<LinkInfo> links) {
    this.libc = libc;
    this.pins = pins;
    this.identity =
        datapath
            .identity()
            .orElseThrow(() ->
                new RefusedException(
                    "The datapath pinned at "
                        + pins.folder()
                        + " has never been started: start the agent."));
    this.state = datapath.state();
    this.frames = new ProbeFrames(identity, state, links);
  }

  /**
   * Asks. To be called by a thread in the host's network namespace.
   *
   * @param libc the way to the kernel
   * @param folder the instance's pins
   * @param question about one packet
   * @return what the programs did with it
   * @throws RefusedException when nobody could send such a packet, and no sender is named
   */
  public static Explanation explain(Libc libc, Path folder, Question question) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(folder, "folder");
    Objects.requireNonNull(question, "question");
    Pins pins = Pins.existing(folder);
    List<LinkInfo> links;
    try (Netlink netlink = Netlink.open(libc)) {
      links = netlink.links();
    }
    return new Explainer(libc, pins, EbpfDatapath.inspect(libc, folder), links).answer(question);
  }

  private Explanation answer(Question question) {
    ProbePacket packet = question.packet();
    ProbeFrames.Probe probe = frames.of(packet, question.sender());
    int port = identity.vtep().port();
    Run run = run(probe);
    PacketHeaders after = PacketHeaders.of(run.packet(), port);
    return new Explanation(
        probe.program(),
        probe.link().index(),
        probe.link().name(),
        probe.vni(),
        Whereabouts.of(packet.source(), probe.vni(), state, Optional.of(identity)),
        Whereabouts.of(packet.destination(), probe.vni(), state, Optional.of(identity)),
        PacketHeaders.of(probe.frame(), port),
        run.event().verdict(),
        written(run, packet),
        run.event().verdict().isDrop() ? Optional.empty() : Optional.of(after));
  }

  /** All that lies before the inner IP packet. */
  private static byte[] written(Run run, ProbePacket packet) {
    return switch (run.event().verdict()) {
      case ENCAPSULATED, DELIVERED_LOCALLY, DECAPSULATED, RECEIVED_DIRECTLY ->
          Arrays.copyOf(run.packet(), run.packet().length - packet.sizeBytes());
      default -> new byte[0];
    };
  }

  /** What the program decided, and the packet afterwards. */
  @SuppressWarnings("ArrayRecordComponent") // A packet is bytes; runs are not compared.
  private record Run(TraceEvent event, byte[] packet) {}

  private Run run(ProbeFrames.Probe probe) {
    int mark = RandomGenerator.getDefault().nextInt() | 1; // 0 is what unmarked packets have
    TracePlaces.Wish wish = new TracePlaces.Wish(Layouts.TRACE_MARKED, 1, mark);
    List<TraceEvent> events = new ArrayList<>();
    try (BpfProgram program = BpfProgram.openPinned(libc, pins.program(probe.program()));
        Tracer tracer = Tracer.open(libc, pins, wish)) {
      for (int i = 0; i < ATTEMPTS; i++) {
        byte[] packet = testRun(program, probe, mark);
        if (tracer.poll(Duration.ZERO, events::add) > 0) {
          return new Run(events.getFirst(), packet);
        }
        tracer.renew();
      }
    }
    throw new RefusedException(
        "The program "
            + probe.program()
            + " did not say what it decided: was it loaded by another version of Culvert? Restart"
            + " the agent.");
  }

  private static byte[] testRun(BpfProgram program, ProbeFrames.Probe probe, int mark) {
    byte[] context =
        ByteBuffer.allocate(CONTEXT_BYTES)
            .order(ByteOrder.nativeOrder())
            .putInt(CONTEXT_MARK, mark)
            .putInt(CONTEXT_IFINDEX, probe.link().index())
            .array();
    try {
      return program.testRun(probe.frame(), context, 1).packet();
    } catch (KernelException e) {
      if (e.errno() == Errno.ENODEV) {
        throw new RefusedException(
            "The interface "
                + probe.link().name()
                + " went away just now: ask again, or see \"culvert endpoints\".",
            e);
      }
      throw e;
    }
  }
}
