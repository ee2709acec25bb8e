// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static dev.culvert.kernel.netlink.NetlinkMessage.ACK;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A generic netlink socket (linux/genetlink.h), bound to the network namespace of the thread that
 * opens it. May be used by any thread.
 *
 * <p>Families have a name for people and a number that the kernel gives at run time; the controller
 * tells one from the other.
 */
public final class GenericNetlink implements AutoCloseable {
  private static final int NETLINK_GENERIC = 16;
  private static final int HEADER_BYTES = 4;

  // The controller, the one family with a fixed number.
  private static final int CONTROLLER = 0x10;
  private static final int CTRL_CMD_GETFAMILY = 3;
  private static final int CTRL_ATTR_FAMILY_ID = 1;
  private static final int CTRL_ATTR_FAMILY_NAME = 2;

  // linux/netdev.h, kernel 6.3
  private static final String NETDEV = "netdev";
  private static final int NETDEV_CMD_DEV_GET = 1;
  private static final int NETDEV_A_DEV_IFINDEX = 1;
  private static final int NETDEV_A_DEV_XDP_FEATURES = 3;

  private final NetlinkSocket socket;

  private GenericNetlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * Opens a socket.
   *
   * @param libc the way to the kernel
   * @return the caller's to close
   * @throws KernelException when this kernel has no generic netlink
   */
  public static GenericNetlink open(Libc libc) {
    return new GenericNetlink(NetlinkSocket.open(libc, NETLINK_GENERIC, 0, 0));
  }

  /** The kernel's number of a family; empty when this kernel has no such family. */
  OptionalInt family(String name) {
    NetlinkMessage message = command(CONTROLLER, CTRL_CMD_GETFAMILY);
    message.textZ(CTRL_ATTR_FAMILY_NAME, name);
    try {
      for (NetlinkReply reply : ask(message, "family " + name, "CTRL_CMD_GETFAMILY")) {
        NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
        if (attributes.has(CTRL_ATTR_FAMILY_ID)) {
          return OptionalInt.of(number16(attributes.bytes(CTRL_ATTR_FAMILY_ID)));
        }
      }
    } catch (KernelException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
    return OptionalInt.empty();
  }

  /**
   * What an interface's driver can do at XDP.
   *
   * @param interfaceIndex in the socket's network namespace
   * @return bits NETDEV_XDP_ACT_* of linux/netdev.h; empty when the kernel does not tell (before
   *     6.3)
   * @throws KernelException ENODEV when there is no such interface
   */
  public OptionalLong xdpFeatures(int interfaceIndex) {
    OptionalInt family = family(NETDEV);
    if (family.isEmpty()) {
      return OptionalLong.empty();
    }
    NetlinkMessage message = command(family.getAsInt(), NETDEV_CMD_DEV_GET);
    message.attribute32(NETDEV_A_DEV_IFINDEX, interfaceIndex);
    for (NetlinkReply reply : ask(message, "interface " + interfaceIndex, "NETDEV_CMD_DEV_GET")) {
      NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
      if (attributes.has(NETDEV_A_DEV_XDP_FEATURES)) {
        return OptionalLong.of(number64(attributes.bytes(NETDEV_A_DEV_XDP_FEATURES)));
      }
    }
    return OptionalLong.empty();
  }

  /** Family, command and version 1; two bytes are reserved. */
  private static NetlinkMessage command(int family, int command) {
    return new NetlinkMessage(family, ACK).u8(command).u8(1).u16(0);
  }

  private List<NetlinkReply> ask(NetlinkMessage message, String target, String call) {
    return socket.query(new NetlinkRequest(message, target, call));
  }

  private static int number16(byte[] bytes) {
    return Short.toUnsignedInt(inOrder(bytes, Short.BYTES).getShort());
  }

  private static long number64(byte[] bytes) {
    return inOrder(bytes, Long.BYTES).getLong();
  }

  private static ByteBuffer inOrder(byte[] bytes, int expected) {
    if (bytes.length != expected) {
      throw NetlinkReply.malformed("an attribute has " + bytes.length + " bytes, not " + expected);
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    socket.close();
  }
}
