// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/** Files that are whole, or not there, after a power cut too: written aside, then moved. */
final class DurableFile {
  private DurableFile() {}

  /**
   * Writes a file that is to be moved to its name when this returns.
   *
   * @param aside in the folder of that name
   * @param how it is opened, for writing
   * @throws IOException when it could not be written to the end; what is there then is left there
   */
  static void write(Path aside, String text, OpenOption... how) throws IOException {
    try (FileChannel channel = FileChannel.open(aside, how)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true); // or a power cut could leave an empty file under the final name
    }
  }
}
