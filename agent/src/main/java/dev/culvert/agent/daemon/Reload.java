// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Reads the configuration again and goes on by it: the membership is closed, which no packet
 * notices, and joined anew. What cannot be is said, and the agent goes on by the old one.
 */
final class Reload {
  private final AgentConfig before;
  private final Path file;
  private final Libc libc;
  private final Consumer<String> say;

  Reload(AgentConfig before, Path file, Libc libc, Consumer<String> say) {
    this.before = before;
    this.file = file;
    this.libc = libc;
    this.say = say;
  }

  /** The configuration that holds from now on. */
  AgentConfig apply(LiveOverlay live) {
    try {
      AgentConfig fresh = ConfigFile.load(file);
      if (fresh.equals(before)) {
        tell("read " + file + " again: nothing has changed");
        return before;
      }
      requireSamePlace(fresh);
      return change(live, fresh);
    } catch (RefusedException | KernelException | LeaseStoreException e) {
      tell("goes on by the configuration that it has: " + e.getMessage());
      return before;
    }
  }

  private void requireSamePlace(AgentConfig fresh) {
    if (!Instance.of(fresh).equals(Instance.of(before)) || fresh.datapath() != before.datapath()) {
      throw new UserException(
          "A change of host, bpffs, runDirectory or datapath takes a new start: restart the agent"
              + " instead.");
    }
  }

  private AgentConfig change(LiveOverlay live, AgentConfig fresh) {
    live.replace(old -> {
      var settled = Membership.settle(fresh, libc); // before anything is let go of
      old.close();
      try {
        return Membership.join(fresh, settled, libc, say);
      } catch (RuntimeException e) {
        try {
          Membership back = Membership.join(before, libc, say);
          tell("cannot go on by " + file + ": " + e.getMessage());
          return back;
        } catch (RuntimeException again) {
          e.addSuppressed(again);
          throw e;
        }
      }
    });
    boolean changed = live.membership().config().equals(fresh);
    if (changed) {
      tell("goes on by " + file + " as it is now");
    }
    return changed ? fresh : before;
  }

  private void tell(String what) {
    say.accept("culvert agent " + before.host() + " " + what);
  }
}
