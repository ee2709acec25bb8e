// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.control.HandRelease;
import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Takes a lease away from a host that is gone for good. */
@Command(
    name = "release",
    description = {
      "Release the lease of a subnet, or those of a host: that of a machine that is gone for good.",
      "A host that lives is asked, and keeps its lease unless --force is given; to take a living"
          + " host out of the network, run \"culvert leave\" there."
    })
public final class StoreReleaseCommand implements Runnable {
  @Parameters(paramLabel = "SUBNET|HOST", description = "Such as 10.244.2.0/24 or host-02.")
  private String which;

  @Option(
      names = "--holder",
      paramLabel = "NAME",
      description =
          "Whose lease it is: needed with a subnet, lest a slip of the hand takes another host's.")
  private String holder;

  @Option(
      names = "--force",
      description =
          "Ask nobody, and release static leases too; a host that lives takes its subnet again, if nobody else does first.")
  private boolean force;

  @Mixin private StoreOptions options;

  @Override
  public void run() {
    AgentConfig config = options.config();
    try (LeaseStore store = options.open(config)) {
      List<Lease> found =
          StoreOptions.find(store.list(), which).stream()
              .filter(lease -> lease.subnet().vni().equals(config.vni()))
              .toList();
      if (found.isEmpty()) {
        throw new UserException(
            "The lease of "
                + which
                + " is of another network than VNI "
                + config.vni()
                + "; name the configuration of a host of that network with --config FILE.");
      }
      found.forEach(this::requireNamed);
      List<Lease> kept = new ArrayList<>(found);
      for (Lease lease : found) {
        if (release(store, lease)) {
          kept.remove(lease);
          options.out().println("released " + lease);
          options.out().flush();
        }
      }
      if (!kept.isEmpty()) {
        throw new UserException(lives(kept.getFirst()));
      }
    }
  }

  private void requireNamed(Lease lease) {
    if (holder == null && StoreOptions.subnet(which).isPresent() && !force) {
      throw new UserException(
          "The lease of %s is held by %s; to release it, say so: --holder %s."
              .formatted(lease.subnet(), lease.host(), lease.host()));
    }
    if (holder != null && !lease.host().equals(new HostName(holder))) {
      throw new UserException(
          "The lease of %s is held by %s and not by %s; nothing was changed."
              .formatted(lease.subnet(), lease.host(), holder));
    }
  }

  private boolean release(LeaseStore store, Lease lease) {
    if (force) {
      store.release(lease);
      return !store.list().contains(lease);
    }
    if (lease.isStatic()) {
      throw new UserException(
          "The lease of "
              + lease
              + " is static: somebody wrote it by hand, and nobody can be asked; take it away by"
              + " hand, or say --force.");
    }
    return HandRelease.ofSilent(store, lease);
  }

  private String lives(Lease lease) {
    return force
        ? "The lease of " + lease + " changed in this very moment and stays; try again."
        : "The lease of "
            + lease
            + " stays: somebody answered for it just now, so its host lives at "
            + lease.vtep()
            + "; run \"culvert leave\" there, or say --force.";
  }
}
