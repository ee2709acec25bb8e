// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import dev.culvert.agent.daemon.MountNamespace;
import dev.culvert.agent.daemon.Privileges;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.bpf.Features;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.NfTables;
import dev.culvert.kernel.netlink.RouteInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Looks, changes nothing. */
public final class Doctor {
  private static final int JDK_NEEDED = 22;

  // bpf_redirect_peer and bpf_redirect_neigh with a next hop came with 5.10.
  private static final int KERNEL_NEEDED = 5 * 1000 + 10;

  private static final String IPV4_FORWARDING = "net.ipv4.ip_forward";
  private static final String IPV6_FORWARDING = "net.ipv6.conf.all.forwarding";

  /** Field of a line of /proc/PID/mounts (proc(5), fstab(5)). */
  private static final int MOUNT_OPTIONS = 3;

  static final InterfaceName DEVICE = new InterfaceName("culvert0");

  private static final Path TUN = Path.of("/dev/net/tun");

  private static final Pattern NFT_VERSION = Pattern.compile("(?<=v)\\d{1,4}(\\.\\d{1,4})+");

  /** The oldest that the rules of that datapath were tried with (Debian 12's). */
  private static final int[] NFT_NEEDED = {1, 0, 6};

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
    BpfAnswer bpf = askBpf();
    return List.of(
        jdk(Runtime.version().feature()),
        privileges(Privileges.missing()),
        kernel(read(proc.resolve("sys/kernel/osrelease")).orElse("unknown")),
        bpfCall(bpf),
        btf(Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"))),
        bpfFileSystem(
            new BpfFileSystem(libc).contains(bpffs),
            Files.isDirectory(bpffs),
            MountNamespace.hidden(libc, bpffs)),
        attachment(bpf),
        jit(read(proc.resolve("sys/net/core/bpf_jit_enable"))),
        forwarding("IPv4", IPV4_FORWARDING, read(sysctl(IPV4_FORWARDING))),
        forwarding("IPv6", IPV6_FORWARDING, read(sysctl(IPV6_FORWARDING))),
        tun(Files.isReadable(TUN) && Files.isWritable(TUN)),
        nft(nftVersion()));
  }

  /**
   * What others on this host have or do that is in the way of the overlay's packets.
   *
   * @param wanted what must get through the firewall
   */
  public List<Check> neighbours(NfTables.Wanted wanted) {
    int port = wanted.port();
    return List.of(
        firewall(NfTables.dropsOf(libc, wanted)),
        port(port, new UdpPort(proc).holders(port)),
        foreignDevice());
  }

  static Check firewall(List<String> drops) {
    return drops.isEmpty()
        ? Check.ok("firewall", "drops nothing of the overlay's, as far as nf_tables tells")
        : Check.warn("firewall", "drops", String.join(" ", drops));
  }

  /**
   * Whether the tunnel's port is free, or the kernel's own (a VXLAN device has a socket there).
   *
   * @param holders processes that have it, such as "dnsmasq (pid 7)"
   */
  static Check port(int port, List<String> holders) {
    String name = "UDP port " + port;
    return holders.isEmpty()
        ? Check.ok(name, "no process has it")
        : Check.fail(
            name,
            "taken by " + String.join(", ", holders),
            "stop what has it, or set another port, alike on all hosts");
  }

  /** A device of our name that is nobody's of ours would refuse the agent's start. */
  private Check foreignDevice() {
    try (Netlink netlink = Netlink.open(libc)) {
      return device(netlink.link(DEVICE).map(LinkInfo::alias));
    } catch (KernelException e) {
      return Check.warn(DEVICE.text(), "cannot tell", e.getMessage());
    }
  }

  /**
   * @param alias of the device of that name; empty when there is none
   */
  static Check device(Optional<String> alias) {
    if (alias.isEmpty()) {
      return Check.ok(DEVICE.text(), "not there; a running agent makes it");
    }
    return alias.get().startsWith("culvert:")
        ? Check.ok(DEVICE.text(), "of " + alias.get())
        : Check.fail(
            DEVICE.text(),
            "there, and not Culvert's",
            "rename or delete it: ip link delete " + DEVICE);
  }

  private Path sysctl(String name) {
    return proc.resolve("sys").resolve(name.replace('.', '/'));
  }

  /**
   * Where outer headers would come off on an interface with {@code decapsulation: auto}.
   *
   * @param underlay its name; without one, the interface of this namespace's default route
   */
  public Optional<Check> decapsulation(Optional<InterfaceName> underlay) {
    try {
      return underlay
          .or(this::defaultInterface)
          .map(name -> decapsulation(name, DecapsulationChoice.preview(libc, name)));
    } catch (KernelException e) {
      return Optional.of(Check.warn("decapsulation", "cannot tell", e.getMessage()));
    }
  }

  static Check decapsulation(InterfaceName underlay, Optional<DecapsulationChoice> choice) {
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

  /**
   * Whether an underlay interface takes what hosts route directly.
   *
   * @param underlay as for {@link #decapsulation}
   */
  public Optional<Check> reversePath(Optional<InterfaceName> underlay) {
    try {
      return underlay
          .or(this::defaultInterface)
          .map(name -> reversePath(name, reversePathOf("all"), reversePathOf(name.text())));
    } catch (KernelException e) {
      return Optional.of(Check.warn("rp_filter", "cannot tell", e.getMessage()));
    }
  }

  private Optional<String> reversePathOf(String device) {
    return read(proc.resolve("sys/net/ipv4/conf").resolve(device).resolve("rp_filter"));
  }

  /** The larger of a device's and of all devices' settings counts. */
  static Check reversePath(
      InterfaceName underlay, Optional<String> everywhere, Optional<String> own) {
    String larger =
        Stream.of(everywhere, own)
            .flatMap(Optional::stream)
            .map(String::strip)
            .max(Comparator.naturalOrder())
            .orElse("0");
    return larger.equals("1")
        ? Check.warn(
            "rp_filter of " + underlay,
            "strict",
            "where hosts route directly (\"encapsulation\"), IPv4 between this host itself and their"
                + " containers is lost: sysctl -w net.ipv4.conf."
                + underlay
                + ".rp_filter=2")
        : Check.ok("rp_filter of " + underlay, larger.equals("2") ? "loose" : "off");
  }

  private Optional<InterfaceName> defaultInterface() {
    try (Netlink netlink = Netlink.open(libc)) {
      return netlink.routes().all().stream()
          .filter(route -> route.prefixLength() == 0 && route.table() == RouteInfo.TABLE_MAIN)
          .findFirst()
          .flatMap(route -> netlink.link(route.interfaceIndex()))
          .map(LinkInfo::name)
          .filter(InterfaceName::isValid)
          .map(InterfaceName::new);
    }
  }

  static Check jdk(int feature) {
    return feature >= JDK_NEEDED
        ? Check.ok("JDK", Integer.toString(feature))
        : Check.fail("JDK", Integer.toString(feature), "install a JDK 22 or later");
  }

  static Check privileges(List<String> missing) {
    return missing.isEmpty()
        ? Check.ok("privileges", "CAP_NET_ADMIN, CAP_SYS_ADMIN")
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
   * What bpf(2) said when it was asked for tcx.
   *
   * @param refusal empty when it answered
   * @param tcx empty when it did not
   */
  record BpfAnswer(Optional<Errno> refusal, Optional<Boolean> tcx) {
    static BpfAnswer refused(Errno errno) {
      return new BpfAnswer(Optional.of(errno), Optional.empty());
    }

    static BpfAnswer answered(boolean tcx) {
      return new BpfAnswer(Optional.empty(), Optional.of(tcx));
    }
  }

  private BpfAnswer askBpf() {
    try {
      return BpfAnswer.answered(Features.of(libc).tcx());
    } catch (KernelException e) {
      return BpfAnswer.refused(e.errno());
    }
  }

  static Check bpfCall(BpfAnswer answer) {
    if (answer.refusal().isEmpty()) {
      return Check.ok("bpf(2)", "answers");
    }
    return switch (answer.refusal().get()) {
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

  /**
   * @param folder whether there is a folder to mount one on
   */
  private Check bpfFileSystem(boolean mounted, boolean folder, Optional<String> hidden) {
    if (mounted) {
      return Check.ok("bpffs", bpffs.toString());
    }
    if (hidden.isPresent()) {
      return Check.fail("bpffs", "hidden", hidden.get());
    }
    String mount = "mount -t bpf bpf " + bpffs;
    // Where sysfs is read-only, as in containers, no mount is allowed below it either.
    if (bpffs.startsWith("/sys") && !mayMountBelowSys()) {
      return Check.fail(
          "bpffs",
          "not mounted at " + bpffs + ", and /sys is read-only",
          "mount it outside (" + mount + ") and let this container have it, or set bpffs");
    }
    return folder || bpffs.startsWith("/sys")
        ? Check.warn(
            "bpffs", "not mounted at " + bpffs, "the agent mounts it; to keep it: " + mount)
        : Check.warn(
            "bpffs", "no folder " + bpffs, "the agent makes and mounts it; to keep it: " + mount);
  }

  private boolean mayMountBelowSys() {
    return read(proc.resolve("self/mounts"))
        .map(mounts ->
            mounts
                .lines()
                .map(line -> line.split(" ", -1))
                .filter(fields -> fields.length > MOUNT_OPTIONS && fields[1].equals("/sys"))
                .map(fields -> List.of(fields[MOUNT_OPTIONS].split(",", -1)))
                .reduce((earlier, later) -> later)
                .map(options -> !options.contains("ro"))
                .orElse(true))
        .orElse(true);
  }

  static Check attachment(BpfAnswer answer) {
    if (answer.tcx().isEmpty()) {
      return Check.warn("attachment", "cannot tell", "mend bpf(2) first");
    }
    return answer.tcx().get()
        ? Check.ok("attachment", "tcx links")
        : Check.warn(
            "attachment", "clsact filters", "works; kernel 6.6 or later has tcx links, which pin");
  }

  static Check jit(Optional<String> setting) {
    return switch (setting.map(String::strip).orElse("")) {
      case "1", "2" -> Check.ok("JIT", "on");
      case "0" ->
          Check.warn(
              "JIT", "off", "switch it on: sysctl net.core.bpf_jit_enable=1, or packets cost more");
      // The kernel shows it in the first network namespace alone (net/core/sysctl_net_core.c), and
      // it holds for all.
      default -> Check.ok("JIT", "not shown in this network namespace");
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
            "needed only for \"datapath: userspace\": modprobe tun; in a container, let it have the"
                + " device");
  }

  /** What nft(8) answers when it is asked for its version; empty where there is no such command. */
  private static Optional<String> nftVersion() {
    try {
      Process process = new ProcessBuilder("nft", "--version").redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? Optional.of(said.strip()) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /**
   * @param version as nft(8) says it, such as "nftables v1.0.6 (Lester Gooch #5)"
   */
  static Check nft(Optional<String> version) {
    String why =
        "\"datapath: userspace\" needs nftables 1.0.6 or later where a firewall forwards nothing: install"
            + " the package nftables";
    if (version.isEmpty()) {
      return Check.warn("nft", "no such command", why);
    }
    Matcher matcher = NFT_VERSION.matcher(version.get());
    if (!matcher.find()) {
      return Check.warn("nft", "cannot tell which version", why);
    }
    String text = matcher.group();
    return Arrays.compare(numbers(text), NFT_NEEDED) >= 0
        ? Check.ok("nft", text)
        : Check.warn("nft", text, why);
  }

  private static int[] numbers(String version) {
    return Stream.of(version.split("\\.", -1)).mapToInt(Integer::parseInt).toArray();
  }

  private static Optional<String> read(Path file) {
    try {
      return Optional.of(Files.readString(file));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
