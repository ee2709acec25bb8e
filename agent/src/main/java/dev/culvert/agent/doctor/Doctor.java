// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import dev.culvert.agent.daemon.MountNamespace;
import dev.culvert.agent.daemon.Privileges;
import dev.culvert.datapath.DecapsulationChoice;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import dev.culvert.kernel.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks, changes nothing. */
public final class Doctor {
  private static final int JDK_NEEDED = 22;

  // bpf_redirect_peer and bpf_redirect_neigh with a next hop came with 5.10.
  private static final int KERNEL_NEEDED = 5 * 1000 + 10;

  // uapi/linux/bpf.h: enum bpf_cmd, enum bpf_attach_type, union bpf_attr (query).
  private static final int BPF_PROG_QUERY = 16;
  private static final int BPF_TCX_INGRESS = 46;
  private static final int QUERY_ATTACH_TYPE_OFFSET = 4;
  private static final int QUERY_ATTR_BYTES = 64;
  private static final int LOOPBACK_INDEX = 1;

  private static final String IPV4_FORWARDING = "net.ipv4.ip_forward";
  private static final String IPV6_FORWARDING = "net.ipv6.conf.all.forwarding";
  private static final Path TUN = Path.of("/dev/net/tun");

  private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+).*", Pattern.DOTALL);

  private final Libc libc;
  private final Path proc;
  private final Path bpffs;

  /**
   * @param proc where proc is mounted
   */
  public Doctor(Libc libc, Path proc, Path bpffs) {
    this.libc = libc;
    this.proc = proc;
    this.bpffs = bpffs;
  }

  /** Every check, in the order in which to mend. */
  public List<Check> examine() {
    long query = queryTcx();
    return List.of(
        jdk(Runtime.version().feature()),
        privileges(Privileges.missing()),
        kernel(read(proc.resolve("sys/kernel/osrelease")).orElse("unknown")),
        bpfCall(query),
        btf(Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"))),
        bpfFileSystem(MountNamespace.isBpfFileSystem(bpffs), MountNamespace.hidden(bpffs)),
        attachment(query),
        jit(read(proc.resolve("sys/net/core/bpf_jit_enable"))),
        forwarding("IPv4", IPV4_FORWARDING, read(sysctl(IPV4_FORWARDING))),
        forwarding("IPv6", IPV6_FORWARDING, read(sysctl(IPV6_FORWARDING))),
        tun(Files.isReadable(TUN) && Files.isWritable(TUN)));
  }

  private Path sysctl(String name) {
    return proc.resolve("sys").resolve(name.replace('.', '/'));
  }

  /**
   * Where outer headers would come off on an interface with {@code decapsulation: auto}.
   *
   * @param underlay its name; without one, the interface of this namespace's default route
   */
  public Optional<Check> decapsulation(Optional<String> underlay) {
    try {
      return underlay
          .or(this::defaultInterface)
          .map(name -> decapsulation(name, DecapsulationChoice.preview(libc, name)));
    } catch (KernelException e) {
      return Optional.of(Check.warn("decapsulation", "cannot tell", e.getMessage()));
    }
  }

  static Check decapsulation(String underlay, Optional<DecapsulationChoice> choice) {
    return choice
        .map(c ->
            Check.ok(
                "decapsulation",
                "at " + c.where().name().toLowerCase(Locale.ROOT) + ": " + c.why()))
        .orElseGet(() ->
            Check.warn(
                "decapsulation",
                "no interface " + underlay,
                "see \"ip link\" for those there are"));
  }

  private Optional<String> defaultInterface() {
    try (Netlink netlink = Netlink.open(libc)) {
      return netlink.routes().stream()
          .filter(route -> route.prefixLength() == 0 && route.table() == Netlink.TABLE_MAIN)
          .findFirst()
          .flatMap(route -> netlink.link(route.interfaceIndex()))
          .map(Netlink.LinkInfo::name);
    }
  }

  static Check jdk(int feature) {
    return feature >= JDK_NEEDED
        ? Check.ok("JDK", Integer.toString(feature))
        : Check.fail("JDK", Integer.toString(feature), "install a JDK 22 or later");
  }

  static Check privileges(List<String> missing) {
    return missing.isEmpty()
        ? Check.ok("privileges", "CAP_NET_ADMIN, CAP_BPF")
        : Check.fail(
            "privileges", "missing " + String.join(", ", missing), "run as root, with sudo");
  }

  static Check kernel(String release) {
    String text = release.strip();
    Matcher matcher = RELEASE.matcher(text);
    if (!matcher.matches()) {
      return Check.warn("kernel", text, "5.10 or later is needed; cannot tell which this is");
    }
    int version = Integer.parseInt(matcher.group(1)) * 1000 + Integer.parseInt(matcher.group(2));
    return version >= KERNEL_NEEDED
        ? Check.ok("kernel", text)
        : Check.fail("kernel", text, "boot a kernel 5.10 or later; 6.6 or later is best");
  }

  /**
   * @param answer of BPF_PROG_QUERY, negated errno or not negative
   */
  static Check bpfCall(long answer) {
    if (answer >= 0) {
      return Check.ok("bpf(2)", "answers");
    }
    return switch (Errno.of((int) -answer)) {
      case ENOSYS ->
          Check.fail("bpf(2)", "not known to this kernel", "boot a kernel with CONFIG_BPF_SYSCALL");
      case EPERM ->
          Check.fail(
              "bpf(2)",
              "not permitted",
              "run as root; in a container, also let its seccomp profile allow bpf(2)");
      default -> Check.ok("bpf(2)", "answers");
    };
  }

  static Check btf(boolean readable) {
    return readable
        ? Check.ok("BTF", "/sys/kernel/btf/vmlinux")
        : Check.warn(
            "BTF", "no /sys/kernel/btf/vmlinux", "not needed today; CONFIG_DEBUG_INFO_BTF adds it");
  }

  private Check bpfFileSystem(boolean mounted, Optional<String> hidden) {
    if (mounted) {
      return Check.ok("bpffs", bpffs.toString());
    }
    return hidden.isPresent()
        ? Check.fail("bpffs", "hidden", hidden.get())
        : Check.warn(
            "bpffs",
            "not mounted at " + bpffs,
            "the agent mounts it; to keep it: mount -t bpf bpf " + bpffs);
  }

  static Check attachment(long answer) {
    if (answer >= 0) {
      return Check.ok("attachment", "tcx links");
    }
    return Errno.of((int) -answer) == Errno.EINVAL
        ? Check.warn(
            "attachment", "clsact filters", "works; kernel 6.6 or later has tcx links, which pin")
        : Check.warn("attachment", "cannot tell", "mend bpf(2) first");
  }

  static Check jit(Optional<String> setting) {
    return switch (setting.map(String::strip).orElse("")) {
      case "1", "2" -> Check.ok("JIT", "on");
      case "0" ->
          Check.warn(
              "JIT", "off", "switch it on: sysctl net.core.bpf_jit_enable=1, or packets cost more");
      default -> Check.warn("JIT", "cannot tell", "look at sysctl net.core.bpf_jit_enable");
    };
  }

  /**
   * Whether the stack routes what the programs leave to it.
   *
   * @param setting empty where the kernel lacks the family
   */
  static Check forwarding(String family, String sysctl, Optional<String> setting) {
    String name = family + " forwarding";
    if (setting.isEmpty()) {
      return Check.warn(
          name,
          "no " + family + " here",
          "needed only for an overlay with " + family + " networks");
    }
    return setting.get().strip().equals("0")
        ? Check.warn(
            name,
            "off",
            "an overlay with %s needs it for the slow path and for traffic between this host and containers: sysctl -w %s=1"
                .formatted(family, sysctl))
        : Check.ok(name, "on");
  }

  static Check tun(boolean usable) {
    return usable
        ? Check.ok("TUN", TUN.toString())
        : Check.warn(
            "TUN",
            "cannot use " + TUN,
            "needed only for \"datapath: userspace\": modprobe tun; in a container, let it have the device");
  }

  /** Asks which tcx programs are on lo: changes nothing, and EINVAL means no tcx here. */
  private long queryTcx() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(QUERY_ATTR_BYTES, Long.BYTES);
      attr.set(ValueLayout.JAVA_INT, 0, LOOPBACK_INDEX);
      attr.set(ValueLayout.JAVA_INT, QUERY_ATTACH_TYPE_OFFSET, BPF_TCX_INGRESS);
      return libc.call(Syscall.BPF, BPF_PROG_QUERY, attr.address(), QUERY_ATTR_BYTES, 0, 0, 0);
    }
  }

  private static Optional<String> read(Path file) {
    try {
      return Optional.of(Files.readString(file));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
