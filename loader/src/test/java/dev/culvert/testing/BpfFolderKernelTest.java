// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a JVM leaves on /sys/fs/bpf, each in a mount namespace of its own, which ends with it: the
 * machine's mounts stay as they are.
 */
@Tag("kernel")
@RequiresRoot
final class BpfFolderKernelTest {
  private static final Path BPFFS = Path.of("/sys/fs/bpf");

  /**
   * The program that is run: uses a folder, and leaves another beside it when it is given a name.
   */
  static final class User {
    private User() {}

    public static void main(String[] names) throws Exception {
      BpfFolder.create().close();
      BpfFolder.create().close();
      for (String name : names) {
        Files.createDirectory(BPFFS.resolve(name));
      }
    }
  }

  /**
   * How often /sys/fs/bpf is mounted after the program.
   *
   * @param before a shell command; nothing is mounted there when it begins
   */
  private static int mountsAfter(String before, String... names)
      throws IOException, InterruptedException {
    String java =
        String.join(
            " ",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp '" + System.getProperty("java.class.path") + "'",
            "'" + User.class.getName() + "'",
            String.join(" ", names));
    String script =
        String.join(
            "\n",
            List.of(
                "set -e",
                "while umount /sys/fs/bpf 2>/dev/null; do :; done",
                before,
                java,
                "grep -c ' /sys/fs/bpf bpf ' /proc/mounts || true"));
    String output =
        Commands.run("unshare", "--mount", "--propagation", "private", "sh", "-c", script);
    return Integer.parseInt(output.lines().toList().getLast());
  }

  @Test
  void whatWasNotMountedIsNotMountedAfterwards() throws Exception {
    assertEquals(0, mountsAfter(":"));
  }

  @Test
  void whatSomebodyPutThereMeanwhileStays() throws Exception {
    assertEquals(1, mountsAfter(":", "kept"));
  }

  @Test
  void whatWasMountedBeforeStaysMounted() throws Exception {
    assertEquals(1, mountsAfter("mount -t bpf bpf /sys/fs/bpf"));
  }
}
