// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.util.ArrayList;
import java.util.List;

/**
 * A message and what it is about, so that a refusal can say so.
 *
 * @param target such as {@code interface eth0}
 * @param call the message's name, such as {@code RTM_NEWLINK}; its number alone means something
 *     else in each netlink protocol
 */
record NetlinkRequest(NetlinkMessage message, String target, String call) {
  // linux/rtnetlink.h
  static final int NEWLINK = 16;
  static final int DELLINK = 17;
  static final int GETLINK = 18;
  static final int NEWADDR = 20;
  static final int DELADDR = 21;
  static final int GETADDR = 22;
  static final int NEWROUTE = 24;
  static final int DELROUTE = 25;
  static final int GETROUTE = 26;
  static final int NEWNEIGH = 28;
  static final int DELNEIGH = 29;
  static final int GETNEIGH = 30;
  static final int NEWQDISC = 36;
  static final int GETQDISC = 38;
  static final int NEWTFILTER = 44;
  static final int DELTFILTER = 45;
  static final int GETTFILTER = 46;

  static final int ESRCH = 3;

  private static final String WITHOUT_CLSACT =
      "this kernel lacks CONFIG_NET_CLS_BPF or CONFIG_NET_SCH_INGRESS";

  /** A message of rtnetlink(7). */
  NetlinkRequest(NetlinkMessage message, String target) {
    this(message, target, name(message.type()));
  }

  boolean isDump() {
    return (message.flags() & NetlinkMessage.DUMP) == NetlinkMessage.DUMP
        && message.type() % 4 == 2; // RTM_GET*: elsewhere the same bits mean replace and exclusive.
  }

  /** In linux/rtnetlink.h. */
  private static String name(int type) {
    return switch (type) {
      case NEWLINK -> "RTM_NEWLINK";
      case DELLINK -> "RTM_DELLINK";
      case GETLINK -> "RTM_GETLINK";
      case NEWADDR -> "RTM_NEWADDR";
      case DELADDR -> "RTM_DELADDR";
      case GETADDR -> "RTM_GETADDR";
      case NEWROUTE -> "RTM_NEWROUTE";
      case DELROUTE -> "RTM_DELROUTE";
      case GETROUTE -> "RTM_GETROUTE";
      case NEWNEIGH -> "RTM_NEWNEIGH";
      case DELNEIGH -> "RTM_DELNEIGH";
      case GETNEIGH -> "RTM_GETNEIGH";
      case NEWQDISC -> "RTM_NEWQDISC";
      case GETQDISC -> "RTM_GETQDISC";
      case NEWTFILTER -> "RTM_NEWTFILTER";
      case DELTFILTER -> "RTM_DELTFILTER";
      case GETTFILTER -> "RTM_GETTFILTER";
      default -> "netlink message " + type;
    };
  }

  KernelException refused(int errno, String kernelText) {
    List<String> hints = new ArrayList<>();
    if (!kernelText.isEmpty()) {
      hints.add("the kernel says \"" + kernelText + "\"");
    }
    String hint = hint(errno);
    if (!hint.isEmpty()) {
      hints.add(hint);
    }
    return new KernelException(call, target, errno, String.join("; ", hints));
  }

  private String hint(int errno) {
    if (errno == ESRCH) {
      return "there is no such entry";
    }
    return switch (Errno.of(errno)) {
      case EPERM -> "run as root, or with CAP_NET_ADMIN";
      case EACCES ->
          call.equals("RTM_NEWADDR")
              ? "is IPv6 switched off here (sysctl net.ipv6.conf.*.disable_ipv6)?"
              : "";
      case ENODEV -> "there is no such interface in this namespace, or no longer (see \"ip link\")";
      case EEXIST ->
          call.equals("RTM_NEWLINK")
              ? "choose another name, or delete the interface that has it"
              : "it is there already";
      case EADDRINUSE -> "another interface or socket uses that address and port";
      case ENOENT ->
          call.equals("RTM_NEWQDISC") || call.equals("RTM_NEWTFILTER") ? WITHOUT_CLSACT : "";
      case EOPNOTSUPP ->
          call.equals("RTM_NEWTFILTER")
              ? WITHOUT_CLSACT
              : "this kernel lacks it: is the kernel module there?";
      case ENETUNREACH ->
          "the next hop is on no connected network (is the interface there, and up?)";
      case ENETDOWN -> "set the interface up first";
      case ENOBUFS -> "the answer was lost, and whether the change was made is unknown";
      case ETIMEDOUT -> "the kernel did not answer";
      default -> "";
    };
  }
}
