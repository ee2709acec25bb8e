// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The program {@code culvert-cni}, which comes in our jar. */
public final class PluginProgram {
  /** What it is called, and so the "type" in configurations. */
  public static final String NAME = "culvert-cni";

  /** Stands in every version of it (culvert-cni.c). */
  private static final String MARK = "culvert-cni: the CNI plugin of Culvert";

  private static final int LARGEST_BYTES = 16 << 20;

  private PluginProgram() {}

  /**
   * Its bytes for this machine.
   *
   * @throws UserException when there is none for its architecture
   */
  public static byte[] bytes() {
    String architecture = System.getProperty("os.arch");
    String resource = (architecture.equals("amd64") ? "x86_64" : architecture) + "/" + NAME;
    try (InputStream in = PluginProgram.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new UserException(
            "This Culvert brings no CNI plugin for %s: build it there with \"make -C cni\" in the source tree."
                .formatted(architecture));
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the CNI plugin in our own jar.", e);
    }
  }

  /** Whether a file is this program, of whichever version. */
  static boolean isIt(Path file) throws IOException {
    return Files.size(file) < LARGEST_BYTES
        && Files.readString(file, StandardCharsets.ISO_8859_1).contains(MARK);
  }
}
