// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The object files that tests read. */
public final class TestObjects {
  private TestObjects() {}

  /** The content of {@code NAME.bpf.o}, built from the source beside it. */
  public static byte[] bytes(String name) {
    return resource("/dev/culvert/kernel/" + name + ".bpf.o");
  }

  public static BpfObjectSpec spec(String name) {
    return BpfObjectSpec.parse(bytes(name), name + ".bpf.o");
  }

  /** Culvert's own object, as it is shipped. */
  public static byte[] culvert() {
    return resource("/dev/culvert/bpf/culvert.bpf.o");
  }

  private static byte[] resource(String path) {
    try (InputStream in = TestObjects.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new AssertionError(path + " is not on the class path");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
