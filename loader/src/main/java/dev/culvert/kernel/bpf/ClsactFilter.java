// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.TcSocket.Answer;
import dev.culvert.kernel.bpf.TcSocket.Attributes;
import dev.culvert.kernel.object.ByteView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * See {@link Link}. A direct-action bpf filter in the clsact qdisc, for kernels without tcx
 * (sources: linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h).
 *
 * <p>It has a priority and a handle of its own, and a name that says whose it is; nothing else on
 * the interface is touched. The qdisc stays after {@link #detach()}: it costs nothing while empty,
 * and between a look whether it is empty and its removal somebody could come to use it.
 */
final class ClsactFilter implements Link {
  // The kernel gives 0xc000 and lower to filters that ask for no priority: ours runs after them, as
  // a tcx link would.
  static final int PRIORITY = 0xcc00;
  static final int HANDLE = 0xc1;
  private static final String OWNER = "culvert:";

  private static final int NEW_QDISC = 36;
  private static final int GET_QDISC = 38;
  private static final int NEW_FILTER = 44;
  private static final int DELETE_FILTER = 45;
  private static final int GET_FILTER = 46;
  private static final int FLAG_CREATE = 0x400;
  private static final int FLAG_EXCLUSIVE = 0x200;

  private static final int QDISC_PARENT = 0xffff_fff1;
  private static final int QDISC_HANDLE = 0xffff_0000;
  private static final int INGRESS_PARENT = 0xffff_fff2;
  private static final int EGRESS_PARENT = 0xffff_fff3;
  private static final int PROTOCOL_ALL = 0x0300; // ETH_P_ALL in network order
  private static final int TCMSG_BYTES = 20;

  private static final int KIND = 1;
  private static final int OPTIONS = 2;
  private static final int BPF_FD = 6;
  private static final int BPF_NAME = 7;
  private static final int BPF_FLAGS = 8;
  private static final int BPF_ID = 11;
  private static final int DIRECT_ACTION = 1;
  private static final int KERNEL_NAME_CHARACTERS = 15;

  private final TcSocket socket;
  private final int interfaceIndex;
  private final Direction direction;
  private final String name;

  private ClsactFilter(TcSocket socket, int interfaceIndex, Direction direction, String program) {
    this.socket = socket;
    this.interfaceIndex = interfaceIndex;
    this.direction = direction;
    this.name = OWNER + program.substring(0, Math.min(KERNEL_NAME_CHARACTERS, program.length()));
  }

  static ClsactFilter attach(
      Libc libc, BpfProgram program, int interfaceIndex, Direction direction) {
    TcSocket socket = TcSocket.open(libc);
    boolean attached = false;
    try {
      ClsactFilter filter = new ClsactFilter(socket, interfaceIndex, direction, program.name());
      filter.makeQdisc();
      Optional<Found> present = filter.present();
      if (present.isPresent() && !present.get().name().equals(filter.name)) {
        throw filter.failed(
            "RTM_NEWTFILTER",
            -Errno.EEXIST.number(),
            "the filter \""
                + present.get().name()
                + "\" holds its priority and handle: remove that");
      }
      filter.write(program, present.isPresent() ? 0 : FLAG_EXCLUSIVE);
      attached = true;
      return filter;
    } finally {
      if (!attached) {
        socket.close();
      }
    }
  }

  static Optional<Link> find(Libc libc, String program, int interfaceIndex, Direction direction) {
    TcSocket socket = TcSocket.open(libc);
    boolean found = false;
    try {
      ClsactFilter filter = new ClsactFilter(socket, interfaceIndex, direction, program);
      found = filter.ours().isPresent();
      return found ? Optional.of(filter) : Optional.empty();
    } finally {
      if (!found) {
        socket.close();
      }
    }
  }

  private void makeQdisc() {
    byte[] kind = new Attributes().put(KIND, "clsact").toBytes();
    Answer answer =
        socket.request(
            NEW_QDISC,
            TcSocket.FLAG_ACK | FLAG_CREATE | FLAG_EXCLUSIVE,
            message(QDISC_HANDLE, QDISC_PARENT, 0, kind));
    if (answer.result() == -Errno.EEXIST.number()) {
      checkForeignQdisc();
    } else if (answer.result() < 0) {
      throw failed("RTM_NEWQDISC", answer.result(), answer.words());
    }
  }

  /**
   * An ingress qdisc stands in the same place, and would take an egress filter for an ingress one.
   */
  private void checkForeignQdisc() {
    Answer answer =
        socket.request(
            GET_QDISC, TcSocket.FLAG_DUMP, message(QDISC_HANDLE, QDISC_PARENT, 0, new byte[0]));
    for (ByteView qdisc : answer.messages()) {
      boolean here = qdisc.s32(4) == interfaceIndex && qdisc.s32(12) == QDISC_PARENT;
      if (here && direction == Direction.EGRESS && kindOf(qdisc).equals("ingress")) {
        throw failed(
            "RTM_NEWQDISC",
            -Errno.EEXIST.number(),
            "the interface has an ingress qdisc, which knows no egress: replace it by clsact");
      }
    }
  }

  private void write(BpfProgram program, int flags) {
    byte[] options =
        new Attributes()
            .put(BPF_FD, program.fd())
            .put(BPF_NAME, name)
            .put(BPF_FLAGS, DIRECT_ACTION)
            .toBytes();
    Answer answer =
        socket.request(
            NEW_FILTER,
            TcSocket.FLAG_ACK | FLAG_CREATE | flags,
            filterMessage(new Attributes().put(KIND, "bpf").put(OPTIONS, options)));
    if (answer.result() < 0) {
      throw failed("RTM_NEWTFILTER", answer.result(), answer.words());
    }
  }

  /** What the kernel has at our priority and handle. */
  private record Found(String name, int programId) {}

  private Optional<Found> ours() {
    return present().filter(f -> f.name().equals(name));
  }

  private Optional<Found> present() {
    Answer answer =
        socket.request(
            GET_FILTER, TcSocket.FLAG_DUMP, message(0, parent(), PRIORITY << 16, new byte[0]));
    for (ByteView filter : answer.messages()) {
      if (filter.s32(4) == interfaceIndex
          && filter.s32(8) == HANDLE
          && filter.s32(12) == parent()
          && filter.s32(16) >>> 16 == PRIORITY) {
        return Optional.of(found(filter));
      }
    }
    return Optional.empty();
  }

  private static Found found(ByteView filter) {
    ByteView attributes = attributes(filter);
    Optional<ByteView> options = Attributes.find(attributes, OPTIONS);
    String filterName =
        options.flatMap(o -> Attributes.find(o, BPF_NAME)).map(v -> v.cString(0)).orElse("");
    int programId = options.flatMap(o -> Attributes.find(o, BPF_ID)).map(v -> v.s32(0)).orElse(0);
    return new Found(kindOf(filter).equals("bpf") ? filterName : kindOf(filter), programId);
  }

  private static String kindOf(ByteView message) {
    return Attributes.find(attributes(message), KIND).map(v -> v.cString(0)).orElse("");
  }

  private static ByteView attributes(ByteView message) {
    return message.slice(TCMSG_BYTES, message.length() - TCMSG_BYTES, message.name());
  }

  @Override
  public void replace(BpfProgram program) {
    if (ours().isEmpty()) {
      throw failed(
          "RTM_NEWTFILTER",
          -Errno.ENOLINK.number(),
          "the filter is gone, or its interface is: attach anew");
    }
    write(program, 0);
  }

  @Override
  public void pin(Path path) {
    // The qdisc holds the filter, and the filter its program: it lives on without us.
  }

  @Override
  public int interfaceIndex() {
    return interfaceIndex;
  }

  @Override
  public int programId() {
    return ours()
        .map(Found::programId)
        .orElseThrow(() -> failed("RTM_GETTFILTER", -Errno.ENOENT.number(), "the filter is gone"));
  }

  @Override
  public void detach() {
    if (ours().isEmpty()) {
      return;
    }
    Answer answer =
        socket.request(
            DELETE_FILTER, TcSocket.FLAG_ACK, filterMessage(new Attributes().put(KIND, "bpf")));
    boolean gone =
        answer.result() == -Errno.ENOENT.number() || answer.result() == -Errno.ENODEV.number();
    if (answer.result() < 0 && !gone) {
      throw failed("RTM_DELTFILTER", answer.result(), answer.words());
    }
  }

  @Override
  public void close() {
    socket.close();
  }

  @Override
  public String toString() {
    return "the clsact filter " + name + " at " + direction + " of interface " + interfaceIndex;
  }

  private int parent() {
    return direction == Direction.INGRESS ? INGRESS_PARENT : EGRESS_PARENT;
  }

  private byte[] filterMessage(Attributes attributes) {
    return message(HANDLE, parent(), PRIORITY << 16 | PROTOCOL_ALL, attributes.toBytes());
  }

  /** struct tcmsg: family, 3 bytes of padding, ifindex, handle, parent, info; then attributes. */
  private byte[] message(int handle, int parent, int info, byte[] attributes) {
    return ByteBuffer.allocate(TCMSG_BYTES + attributes.length)
        .order(ByteOrder.nativeOrder())
        .putInt(0)
        .putInt(interfaceIndex)
        .putInt(handle)
        .putInt(parent)
        .putInt(info)
        .put(attributes)
        .array();
  }

  private KernelException failed(String call, int result, String words) {
    String hint =
        switch (Errno.of(-result)) {
          case ENODEV -> "there is no such interface in this network namespace";
          case EPERM -> "run as root, or with CAP_NET_ADMIN";
          case ENOENT, EOPNOTSUPP ->
              "this kernel lacks CONFIG_NET_CLS_BPF or CONFIG_NET_SCH_INGRESS";
          default -> "";
        };
    return new KernelException(call, toString(), -result, words.isEmpty() ? hint : words);
  }
}
