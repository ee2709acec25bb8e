// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.netlink.TrafficControl.Filter;
import dev.culvert.kernel.netlink.TrafficControl.Place;

/**
 * RTM_*QDISC and RTM_*TFILTER, as far as clsact and its bpf filters go (linux/rtnetlink.h,
 * linux/pkt_sched.h, linux/pkt_cls.h). Pure.
 */
final class TcMessages {
  /** struct tcmsg: family, pad (3), index (4), handle (4), parent (4), info (4). */
  private static final int HEADER_BYTES = 20;

  private static final int INDEX_OFFSET = 4;
  private static final int HANDLE_OFFSET = 8;
  private static final int PARENT_OFFSET = 12;
  private static final int INFO_OFFSET = 16;

  private static final int TC_H_CLSACT = 0xffff_fff1;
  private static final int CLSACT_HANDLE = 0xffff_0000;
  private static final int INGRESS_PARENT = 0xffff_fff2;
  private static final int EGRESS_PARENT = 0xffff_fff3;
  private static final int PROTOCOL_ALL = 0x0300; // ETH_P_ALL in network order

  private static final int TCA_KIND = 1;
  private static final int TCA_OPTIONS = 2;
  private static final int TCA_BPF_FD = 6;
  private static final int TCA_BPF_NAME = 7;
  private static final int TCA_BPF_FLAGS = 8;
  private static final int TCA_BPF_ID = 11;
  private static final int DIRECT_ACTION = 1;
  private static final String KIND_BPF = "bpf";

  /** The fields of struct tcmsg; the family is none. */
  private record Header(int interfaceIndex, int handle, int parent, int info) {
    NetlinkMessage write(NetlinkMessage message) {
      return message.u32(0).u32(interfaceIndex).u32(handle).u32(parent).u32(info);
    }
  }

  private TcMessages() {}

  private static Header clsact(int interfaceIndex) {
    return new Header(interfaceIndex, CLSACT_HANDLE, TC_H_CLSACT, 0);
  }

  /** Refused with EEXIST where there is one. */
  static NetlinkMessage addClsact(int interfaceIndex) {
    NetlinkMessage message =
        new NetlinkMessage(
            NetlinkRequest.NEWQDISC,
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL);
    return clsact(interfaceIndex).write(message).textZ(TCA_KIND, "clsact");
  }

  static NetlinkMessage dumpQdiscs(int interfaceIndex) {
    NetlinkMessage message = new NetlinkMessage(NetlinkRequest.GETQDISC, NetlinkMessage.DUMP);
    return clsact(interfaceIndex).write(message);
  }

  /** The kernel tells of all interfaces' qdiscs. */
  static boolean isInClsactsPlace(NetlinkReply reply, int interfaceIndex) {
    reply.require(HEADER_BYTES);
    return reply.s32(INDEX_OFFSET) == interfaceIndex && reply.s32(PARENT_OFFSET) == TC_H_CLSACT;
  }

  static NetlinkMessage dumpFilters(Place place) {
    NetlinkMessage message = new NetlinkMessage(NetlinkRequest.GETTFILTER, NetlinkMessage.DUMP);
    int info = place.priority() << 16;
    return new Header(place.interfaceIndex(), 0, parent(place), info).write(message);
  }

  static boolean isAt(NetlinkReply reply, Place place) {
    reply.require(HEADER_BYTES);
    return reply.s32(INDEX_OFFSET) == place.interfaceIndex()
        && reply.s32(HANDLE_OFFSET) == place.handle()
        && reply.s32(PARENT_OFFSET) == parent(place)
        && reply.s32(INFO_OFFSET) >>> 16 == place.priority();
  }

  static String kind(NetlinkReply reply) {
    return reply.attributes(HEADER_BYTES).text(TCA_KIND);
  }

  static Filter parse(NetlinkReply reply) {
    NetlinkAttributes options = reply.attributes(HEADER_BYTES).nested(TCA_OPTIONS);
    String kind = kind(reply);
    return kind.equals(KIND_BPF)
        ? new Filter(kind, options.text(TCA_BPF_NAME), options.number(TCA_BPF_ID, 0))
        : new Filter(kind, "", 0);
  }

  /** Refused with EEXIST where there is a filter. */
  static NetlinkMessage add(Place place, ProgramReference program) {
    return put(NetlinkMessage.EXCL, place, program);
  }

  static NetlinkMessage replace(Place place, ProgramReference program) {
    return put(0, place, program);
  }

  private static NetlinkMessage put(int how, Place place, ProgramReference program) {
    NetlinkMessage message =
        filter(
            new NetlinkMessage(
                NetlinkRequest.NEWTFILTER, NetlinkMessage.ACK | NetlinkMessage.CREATE | how),
            place,
            PROTOCOL_ALL);
    return message.nest(
        TCA_OPTIONS,
        () ->
            message
                .attribute32(TCA_BPF_FD, program.fd())
                .textZ(TCA_BPF_NAME, program.name())
                .attribute32(TCA_BPF_FLAGS, DIRECT_ACTION));
  }

  static NetlinkMessage remove(Place place) {
    return filter(new NetlinkMessage(NetlinkRequest.DELTFILTER, NetlinkMessage.ACK), place, 0);
  }

  private static NetlinkMessage filter(NetlinkMessage message, Place place, int protocol) {
    int info = place.priority() << 16 | protocol;
    return new Header(place.interfaceIndex(), place.handle(), parent(place), info)
        .write(message)
        .textZ(TCA_KIND, KIND_BPF);
  }

  private static int parent(Place place) {
    return place.egress() ? EGRESS_PARENT : INGRESS_PARENT;
  }
}
