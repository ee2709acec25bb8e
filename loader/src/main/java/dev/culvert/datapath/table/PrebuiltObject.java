// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The BPF object as it was built from bpf/src, found on the class path. */
public final class PrebuiltObject {
  private static final String RESOURCE = "dev/culvert/bpf/culvert.bpf.o";

  private PrebuiltObject() {}

  /**
   * Reads it; nothing is asked of the kernel.
   *
   * @throws RefusedException when the jar with the object is missing
   */
  public static BpfObjectSpec spec() {
    try (InputStream in = PrebuiltObject.class.getClassLoader().getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new RefusedException(
            "The BPF object "
                + RESOURCE
                + " is not on the class path: add the jar culvert-bpf to it.");
      }
      return BpfObjectSpec.parse(in.readAllBytes(), RESOURCE);
    } catch (IOException e) {
      throw new UncheckedIOException("The BPF object " + RESOURCE + " could not be read.", e);
    }
  }
}
