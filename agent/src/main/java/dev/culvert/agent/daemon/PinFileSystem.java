// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.kernel.BpfFileSystem;
import dev.culvert.kernel.Libc;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** Sees to it that pins have somewhere to stay. */
final class PinFileSystem {
  private PinFileSystem() {}

  /** Mounts the bpf file system where it is missing, and says so; whether it did. */
  static boolean ensure(Libc libc, Path bpffs, Consumer<String> say) {
    if (MountNamespace.isBpfFileSystem(bpffs)) {
      return false;
    }
    // A mount made there would vanish with us, and the pins with it.
    Optional<String> hidden = MountNamespace.hidden(bpffs);
    if (hidden.isPresent()) {
      throw new UserException(hidden.get());
    }
    new BpfFileSystem(libc).mount(bpffs);
    say.accept("mounted a bpf file system on " + bpffs);
    return true;
  }
}
