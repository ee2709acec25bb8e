// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.doctor.Check.State;
import dev.culvert.agent.doctor.Doctor.BpfAnswer;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoctorTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "6.18.44-fc, OK",
    "5.10.0-28-amd64, OK",
    "5.9.16, FAIL",
    "4.19.0, FAIL",
    "10.0, OK",
    "unknown, WARN"
  })
  void knowsWhichKernelsWillDo(String release, State expected) {
    assertEquals(expected, Doctor.kernel(release + "\n").state());
  }

  @Test
  void tellsWhatTheBpfCallAnswers() {
    assertStates(BpfAnswer.answered(true), State.OK, State.OK);
    assertStates(BpfAnswer.answered(false), State.OK, State.WARN);
    assertStates(BpfAnswer.refused(Errno.ENOSYS), State.FAIL, State.WARN);
    assertStates(BpfAnswer.refused(Errno.EPERM), State.FAIL, State.WARN);
  }

  private static void assertStates(BpfAnswer answer, State call, State attachment) {
    assertEquals(call, Doctor.bpfCall(answer).state());
    assertEquals(attachment, Doctor.attachment(answer).state());
  }

  @Test
  void tellsAClockThatDiffersFromThatOfTheStore() {
    assertEquals(Optional.empty(), ConfiguredHost.clock(Duration.ofSeconds(-29)));
    assertEquals(
        "this machine's clock is 172800 s ahead of the store's",
        ConfiguredHost.clock(Duration.ofDays(-2)).orElseThrow().found());
    assertEquals(
        "this machine's clock is 3600 s behind the store's",
        ConfiguredHost.clock(Duration.ofHours(1)).orElseThrow().found());
  }

  @ParameterizedTest
  @CsvSource({
    "nftables v1.0.6 (Lester Gooch #5), OK",
    "nftables v1.1.3 (Commodore Bullmoose #4), OK",
    "nftables v1.0.10 (Old Doc Yak #3), OK",
    "nftables v1.0.5 (Lester Gooch #4), WARN",
    "nftables v0.9.8 (E.D.S.), WARN",
  })
  void knowsWhichNftWillDo(String version, State expected) {
    assertEquals(expected, Doctor.nft(Optional.of(version)).state());
  }

  @Test
  void givesAdviceForAllThatIsNotWell() {
    List<Check> poor =
        List.of(
            Doctor.jdk(21),
            Doctor.privileges(List.of("CAP_SYS_ADMIN")),
            Doctor.kernel("4.4"),
            Doctor.bpfCall(BpfAnswer.refused(Errno.ENOSYS)),
            Doctor.btf(false),
            Doctor.attachment(BpfAnswer.answered(false)),
            Doctor.jit(Optional.of("0\n")),
            Doctor.forwarding("IPv6", "net.ipv6.conf.all.forwarding", Optional.of("0\n")),
            Doctor.forwarding("IPv6", "net.ipv6.conf.all.forwarding", Optional.empty()),
            Doctor.tun(false),
            Doctor.nft(Optional.empty()),
            Doctor.nft(Optional.of("something else")));

    assertTrue(poor.stream().noneMatch(check -> check.state() == State.OK), poor.toString());
    assertTrue(poor.stream().noneMatch(check -> check.advice().isEmpty()), poor.toString());
  }

  /** As in a container: nothing can be mounted below it, so no agent can keep its pins there. */
  @Test
  void aReadOnlySysWithoutABpfFileSystemIsNoPlaceForAnAgent() throws Exception {
    write("self/mounts", "proc /proc proc rw 0 0\nsysfs /sys sysfs ro,nosuid,nodev 0 0\n");
    Doctor doctor = new Doctor((call, a, b, c, d, e, f) -> 0, folder, Path.of("/sys/fs/bpf"));
    Check bpffs = find(doctor, "bpffs");
    assertEquals(State.FAIL, bpffs.state(), bpffs.toString());
    assertTrue(bpffs.found().endsWith("and /sys is read-only"), bpffs.toString());

    write("self/mounts", "sysfs /sys sysfs rw,nosuid,nodev 0 0\n");
    assertEquals(State.WARN, find(doctor, "bpffs").state());
  }

  private static Check find(Doctor doctor, String name) {
    return doctor.examine().stream()
        .filter(check -> check.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** The kernel shows the setting in the first network namespace alone. */
  @Test
  void aJitThatIsNotShownHereIsNoReasonToWarn() {
    assertEquals(State.OK, Doctor.jit(Optional.empty()).state());
  }

  @Test
  void looksAtTheForwardingOfEachFamily() throws Exception {
    write("sys/net/ipv4/ip_forward", "1\n");
    write("sys/net/ipv6/conf/all/forwarding", "0\n");
    List<Check> checks =
        new Doctor((call, a, b, c, d, e, f) -> 0, folder, folder)
            .examine().stream().filter(check -> check.name().endsWith("forwarding")).toList();

    assertEquals(
        List.of("IPv4 forwarding", "IPv6 forwarding"), checks.stream().map(Check::name).toList());
    assertEquals(List.of(State.OK, State.WARN), checks.stream().map(Check::state).toList());
    assertTrue(checks.getLast().advice().endsWith("sysctl -w net.ipv6.conf.all.forwarding=1"));
  }

  private void write(String file, String text) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  @Test
  void examinesAKernelThatHasNoBpf() throws Exception {
    write("sys/kernel/osrelease", "6.1.0\n");
    Libc noBpf = (call, a, b, c, d, e, f) -> call == Syscall.BPF ? -38 : 0;

    String report =
        new Doctor(noBpf, folder, folder)
            .examine().stream()
                .map(check -> check.name() + " " + check.state())
                .collect(Collectors.joining("\n"));

    assertTrue(report.contains("kernel OK"), report);
    assertTrue(report.contains("bpf(2) FAIL"), report);
    assertTrue(!report.contains("bpffs OK"), report);
  }

  @Test
  void tellsWhatIsInTheWayOfThePackets() {
    assertEquals(Check.State.OK, Doctor.firewall(List.of()).state());
    Check drops = Doctor.firewall(List.of("The chain inet docker f drops."));
    assertEquals(Check.State.WARN, drops.state());
    assertTrue(drops.advice().contains("inet docker f"), drops.advice());
    assertEquals(Check.State.FAIL, Doctor.port(4789, List.of("dnsmasq (pid 7)")).state());
    assertEquals(Check.State.OK, Doctor.device(Optional.empty()).state());
    assertEquals(Check.State.OK, Doctor.device(Optional.of("culvert:host-01:culvert0")).state());
    assertEquals(Check.State.FAIL, Doctor.device(Optional.of("")).state());
  }

  @Test
  void tellsOfStrictFilteringOnTheUnderlay() {
    InterfaceName eth0 = new InterfaceName("eth0");
    assertEquals(
        Check.State.OK, Doctor.reversePath(eth0, Optional.of("0\n"), Optional.empty()).state());
    assertEquals(
        Check.State.OK, Doctor.reversePath(eth0, Optional.of("1\n"), Optional.of("2\n")).state());
    Check strict = Doctor.reversePath(eth0, Optional.of("1\n"), Optional.of("0\n"));
    assertEquals(Check.State.WARN, strict.state());
    assertTrue(strict.advice().contains("net.ipv4.conf.eth0.rp_filter=2"), strict.advice());
  }

  @Test
  void namesTheProcessThatHasThePort() throws Exception {
    write(
        "self/net/udp",
        """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           7: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2
        """);
    write("42/comm", "dnsmasq\n");
    Files.createDirectories(folder.resolve("42/fd"));
    Files.createSymbolicLink(folder.resolve("42/fd/5"), Path.of("socket:[4711]"));

    assertEquals(List.of("dnsmasq (pid 42)"), new UdpPort(folder).holders(4789));
    assertEquals(List.of(), new UdpPort(folder).holders(4790));
  }
}
