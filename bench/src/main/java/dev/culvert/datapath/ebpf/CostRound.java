// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.util.EnumMap;
import java.util.Map;

/**
 * Every program once on packets of one size. What the measuring programs need for themselves is
 * taken off: the empty program, and what it costs to make the packet what it was.
 */
final class CostRound {
  /** What a row of the table is about. */
  enum Part {
    ENCAPSULATE_TC("encapsulation", "tc"),
    ENCAPSULATE_XDP("encapsulation (not in the datapath)", "XDP"),
    DECAPSULATE_TC("decapsulation and delivery", "tc"),
    BOTH_TC("encapsulation, decapsulation and delivery", "tc"),
    DECAPSULATE_XDP("decapsulation (strip_at_xdp)", "XDP"),
    DELIVER_STRIPPED("delivery of what XDP stripped", "tc"),
    DELIVER_LOCALLY("delivery on the same host", "tc"),
    SEND_DIRECTLY("direct routing, out", "tc"),
    RECEIVE_DIRECTLY("direct routing, in", "tc"),
    ROOM("bpf_skb_adjust_room, +50 and -50", "tc");

    private final String title;
    private final String hook;

    Part(String title, String hook) {
      this.title = title;
      this.hook = hook;
    }

    String title() {
      return title;
    }

    /** Where the kernel runs it. */
    String hook() {
      return hook;
    }
  }

  private final CostWorld world;
  private final int repeat;

  CostRound(CostWorld world, int repeat) {
    this.world = world;
    this.repeat = repeat;
  }

  /** All parts, on a packet that is always the same. */
  Map<Part, Double> run(CostPackets packets) {
    double nothing = ns("cost_nothing", packets.remote());
    double room = ns("cost_room", packets.remote()) - nothing;
    double giveBack =
        world.timedNs("cost_give_back", packets.remote(), repeat)
            - world.timedNs("cost_clock", packets.remote(), repeat);
    double encapsulate = ns("cost_encapsulate", packets.remote()) - nothing;
    double roundTrip = ns("cost_round_trip", packets.remote()) - nothing;

    Map<Part, Double> parts = new EnumMap<>(Part.class);
    parts.put(Part.ROOM, room);
    parts.put(Part.ENCAPSULATE_TC, encapsulate - giveBack);
    parts.put(Part.DECAPSULATE_TC, roundTrip - (encapsulate - giveBack));
    parts.put(Part.BOTH_TC, roundTrip);
    parts.put(Part.DELIVER_LOCALLY, ns("cost_send_bare", packets.local()) - nothing);
    parts.put(Part.SEND_DIRECTLY, ns("cost_send_bare", packets.sentDirectly()) - nothing);
    parts.put(Part.RECEIVE_DIRECTLY, ns("cost_receive_bare", packets.receivedDirectly()) - nothing);
    parts.put(Part.DELIVER_STRIPPED, ns("cost_receive_stripped", packets.remote()) - nothing);
    xdp(packets, parts);
    return parts;
  }

  private void xdp(CostPackets packets, Map<Part, Double> parts) {
    double nothing = ns("cost_xdp_nothing", packets.remote());
    // Four moves of a pointer, two of which are the program's own.
    double moves = ns("cost_xdp_strip_moves", packets.encapsulated()) - nothing;
    double strip = ns("cost_xdp_decapsulate", packets.encapsulated()) - nothing;
    parts.put(Part.DECAPSULATE_XDP, strip - moves / 2);
    double back = ns("cost_xdp_encapsulate_moves", packets.remote()) - nothing - moves / 4;
    double encapsulate = ns("cost_xdp_encapsulate", packets.remote()) - nothing;
    parts.put(Part.ENCAPSULATE_XDP, encapsulate - back);
  }

  /** The two that encapsulate, on packets that go to another of many subnets each time. */
  Map<Part, Double> runSpread(CostPackets packets, int subnets) {
    Map<Part, Double> parts = new EnumMap<>(Part.class);
    double giveBack =
        world.timedNs("cost_give_back", packets.remote(), repeat)
            - world.timedNs("cost_clock", packets.remote(), repeat);
    double tc =
        world.runNs("cost_encapsulate", packets.remote(), subnets, repeat)
            - world.runNs("cost_nothing", packets.remote(), subnets, repeat);
    double xdp =
        world.runNs("cost_xdp_encapsulate", packets.remote(), subnets, repeat)
            - world.runNs("cost_xdp_encapsulate_moves", packets.remote(), subnets, repeat);
    parts.put(Part.ENCAPSULATE_TC, tc - giveBack);
    parts.put(Part.ENCAPSULATE_XDP, xdp);
    return parts;
  }

  private double ns(String program, byte[] packet) {
    return world.runNs(program, packet, 1, repeat);
  }
}
