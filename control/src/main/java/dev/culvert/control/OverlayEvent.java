// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.RemoteSubnet;
import java.util.Objects;

/**
 * What {@link Overlay#subscribe} tells. A {@link Snapshot} comes first; each event after it is one
 * difference of {@link OverlayStatus} to the time before. Whoever falls behind gets another
 * snapshot in place of what it missed: nothing is lost without a word.
 */
public sealed interface OverlayEvent {
  /**
   * How all stands. What was told before counts no more.
   *
   * @param status as of now
   * @param missed whether events were dropped before this one; false for the first
   */
  record Snapshot(OverlayStatus status, boolean missed) implements OverlayEvent {
    /** Checks that it is there. */
    public Snapshot {
      Objects.requireNonNull(status, "status");
    }
  }

  /**
   * Another host's subnet is in the datapath now.
   *
   * @param peer where it is
   */
  record PeerCame(RemoteSubnet peer) implements OverlayEvent {
    /** Checks that it is there. */
    public PeerCame {
      Objects.requireNonNull(peer, "peer");
    }
  }

  /**
   * A subnet is another host's, or the way there is another: the next hop, or none; direct or not.
   *
   * @param before what was told last
   * @param now what is so now, of the same subnet
   */
  record PeerChanged(RemoteSubnet before, RemoteSubnet now) implements OverlayEvent {
    /** Checks that both are there. */
    public PeerChanged {
      Objects.requireNonNull(before, "before");
      Objects.requireNonNull(now, "now");
    }
  }

  /**
   * Another host's subnet is in the datapath no more.
   *
   * @param peer what was told last
   */
  record PeerGone(RemoteSubnet peer) implements OverlayEvent {
    /** Checks that it is there. */
    public PeerGone {
      Objects.requireNonNull(peer, "peer");
    }
  }

  /**
   * A person should look at something.
   *
   * @param problem a sentence, as {@link OverlayStatus#problems} has it
   */
  record ProblemBegan(String problem) implements OverlayEvent {
    /** Checks that it is there. */
    public ProblemBegan {
      Objects.requireNonNull(problem, "problem");
    }
  }

  /**
   * That is over, or said in other words now.
   *
   * @param problem the sentence that was told
   */
  record ProblemEnded(String problem) implements OverlayEvent {
    /** Checks that it is there. */
    public ProblemEnded {
      Objects.requireNonNull(problem, "problem");
    }
  }

  /**
   * Another host has one of this host's subnets, or may have it: its containers are cut off. A
   * {@link ProblemBegan} says why.
   *
   * @param lease what this host held
   */
  record Fenced(Lease lease) implements OverlayEvent {
    /** Checks that it is there. */
    public Fenced {
      Objects.requireNonNull(lease, "lease");
    }
  }

  /**
   * The store has said that the subnet is this host's: its containers are connected again.
   *
   * @param lease what this host holds
   */
  record Unfenced(Lease lease) implements OverlayEvent {
    /** Checks that it is there. */
    public Unfenced {
      Objects.requireNonNull(lease, "lease");
    }
  }

  /**
   * A container is in the overlay now, whoever attached it.
   *
   * @param endpoint its interface
   */
  record ContainerAttached(Endpoint endpoint) implements OverlayEvent {
    /** Checks that it is there. */
    public ContainerAttached {
      Objects.requireNonNull(endpoint, "endpoint");
    }
  }

  /**
   * A container was detached, by a call.
   *
   * @param endpoint what its interface was
   */
  record ContainerDetached(Endpoint endpoint) implements OverlayEvent {
    /** Checks that it is there. */
    public ContainerDetached {
      Objects.requireNonNull(endpoint, "endpoint");
    }
  }

  /**
   * A container is in the overlay no more, though nobody detached it: it ended and took its
   * interface along, or somebody deleted that.
   *
   * @param endpoint what its interface was
   */
  record ContainerVanished(Endpoint endpoint) implements OverlayEvent {
    /** Checks that it is there. */
    public ContainerVanished {
      Objects.requireNonNull(endpoint, "endpoint");
    }
  }
}
