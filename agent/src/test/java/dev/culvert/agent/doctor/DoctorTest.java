// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.doctor.Check.State;
import dev.culvert.kernel.Libc;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @ParameterizedTest
  @CsvSource({"0, OK, OK", "-22, OK, WARN", "-38, FAIL, WARN", "-1, FAIL, WARN"})
  void tellsWhatTheBpfCallAnswers(long answer, State call, State attachment) {
    assertEquals(call, Doctor.bpfCall(answer).state());
    assertEquals(attachment, Doctor.attachment(answer).state());
  }

  @Test
  void givesAdviceForAllThatIsNotWell() {
    List<Check> poor =
        List.of(
            Doctor.jdk(21),
            Doctor.privileges(List.of("CAP_BPF")),
            Doctor.kernel("4.4"),
            Doctor.bpfCall(-38),
            Doctor.btf(false),
            Doctor.attachment(-22),
            Doctor.jit(Optional.of("0\n")),
            Doctor.jit(Optional.empty()));

    assertTrue(poor.stream().noneMatch(check -> check.state() == State.OK), poor.toString());
    assertTrue(poor.stream().noneMatch(check -> check.advice().isEmpty()), poor.toString());
  }

  @Test
  void examinesAKernelThatHasNoBpf() throws Exception {
    Files.createDirectories(folder.resolve("sys/kernel"));
    Files.writeString(folder.resolve("sys/kernel/osrelease"), "6.1.0\n");
    Libc noBpf = (call, a, b, c, d, e, f) -> -38;

    String report =
        new Doctor(noBpf, folder, folder)
            .examine().stream()
                .map(check -> check.name() + " " + check.state())
                .collect(Collectors.joining("\n"));

    assertTrue(report.contains("kernel OK"), report);
    assertTrue(report.contains("bpf(2) FAIL"), report);
    assertTrue(!report.contains("bpffs OK"), report);
  }
}
