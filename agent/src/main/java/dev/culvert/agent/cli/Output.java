// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/**
 * The stream for answers, which remembers why it could not be written: a {@link
 * java.io.PrintWriter} forgets the reason. A reader that has gone (EPIPE) is none: it has read what
 * it wanted. Used by one thread.
 */
final class Output extends FilterOutputStream {
  private Optional<String> failure = Optional.empty();

  Output(OutputStream to) {
    super(new BufferedOutputStream(to));
  }

  /** What the system said, such as "No space left on device". */
  Optional<String> failure() {
    return failure;
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    try {
      out.write(bytes, from, length);
    } catch (IOException e) {
      throw noted(e);
    }
  }

  @Override
  public void flush() throws IOException {
    try {
      out.flush();
    } catch (IOException e) {
      throw noted(e);
    }
  }

  private IOException noted(IOException e) {
    String why = String.valueOf(e.getMessage());
    if (!why.equals("Broken pipe")) {
      failure = Optional.of(why);
    }
    return e;
  }
}
