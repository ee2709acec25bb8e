// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Tells those who subscribed how one {@link OverlayStatus} differs from the one before. Used by the
 * overlay's thread alone, which never waits for any of them.
 */
final class EventFeed {
  private final String threadName;
  private final List<Subscriber> subscribers = new ArrayList<>();
  private OverlayStatus told;

  EventFeed(String threadName) {
    this.threadName = threadName;
  }

  /** The first event is a snapshot of what was published last, so something must have been. */
  Subscriber subscribe(Consumer<OverlayEvent> receiver) {
    Subscriber subscriber = Subscriber.start(threadName, receiver, told);
    subscribers.add(subscriber);
    return subscriber;
  }

  /** Whether somebody is told, so that {@link #publish} is worth its cost. */
  boolean isHeard() {
    subscribers.removeIf(Subscriber::isClosed);
    return !subscribers.isEmpty();
  }

  /** What the next subscriber begins with, where nobody was told of anything. */
  void begin(OverlayStatus now) {
    told = now;
  }

  /**
   * Tells what changed since this was called last.
   *
   * @param detached by a call, meanwhile
   */
  void publish(OverlayStatus now, Set<Endpoint> detached) {
    subscribers.removeIf(Subscriber::isClosed);
    if (!subscribers.isEmpty()) {
      List<OverlayEvent> events = between(told, now, detached);
      subscribers.forEach(subscriber -> subscriber.tell(events, now));
    }
    told = now;
  }

  /** What waits to be told is told still. */
  void end() {
    subscribers.forEach(Subscriber::end);
    subscribers.clear();
  }

  /**
   * Fences first, then problems, peers and containers.
   *
   * @param detached those that are gone by somebody's wish
   */
  static List<OverlayEvent> between(
      OverlayStatus before, OverlayStatus now, Set<Endpoint> detached) {
    return Stream.of(
            fences(before, now),
            problems(before.problems(), now.problems()),
            peers(before.remotes(), now.remotes()),
            containers(before.endpoints(), now.endpoints(), detached))
        .flatMap(List::stream)
        .toList();
  }

  private static List<OverlayEvent> fences(OverlayStatus before, OverlayStatus now) {
    List<OverlayEvent> events = new ArrayList<>();
    for (Lease lease : now.leases()) {
      boolean was = before.fenced().contains(lease.subnet());
      boolean is = now.fenced().contains(lease.subnet());
      if (is && !was) {
        events.add(new OverlayEvent.Fenced(lease));
      } else if (was && !is) {
        events.add(new OverlayEvent.Unfenced(lease));
      }
    }
    return events;
  }

  private static List<OverlayEvent> problems(List<String> before, List<String> now) {
    List<OverlayEvent> events = new ArrayList<>();
    Set<String> old = new HashSet<>(before);
    Set<String> current = new HashSet<>(now);
    before.stream()
        .distinct()
        .filter(problem -> !current.contains(problem))
        .forEach(problem -> events.add(new OverlayEvent.ProblemEnded(problem)));
    now.stream()
        .distinct()
        .filter(problem -> !old.contains(problem))
        .forEach(problem -> events.add(new OverlayEvent.ProblemBegan(problem)));
    return events;
  }

  private static List<OverlayEvent> peers(List<RemoteSubnet> before, List<RemoteSubnet> now) {
    List<OverlayEvent> events = new ArrayList<>();
    Map<Subnet, RemoteSubnet> old = new HashMap<>();
    before.forEach(remote -> old.put(remote.subnet(), remote));
    for (RemoteSubnet remote : now) {
      RemoteSubnet was = old.remove(remote.subnet());
      if (was == null) {
        events.add(new OverlayEvent.PeerCame(remote));
      } else if (!was.equals(remote)) {
        events.add(new OverlayEvent.PeerChanged(was, remote));
      }
    }
    before.stream()
        .filter(remote -> old.containsKey(remote.subnet()))
        .forEach(remote -> events.add(new OverlayEvent.PeerGone(remote)));
    return events;
  }

  /** One interface, whatever was found out about it since. */
  private record Interface(InetAddress address, int index) {
    static Interface of(Endpoint endpoint) {
      return new Interface(endpoint.address(), endpoint.interfaceIndex());
    }
  }

  private static List<OverlayEvent> containers(
      List<Endpoint> before, List<Endpoint> now, Set<Endpoint> detached) {
    List<OverlayEvent> events = new ArrayList<>();
    Set<Interface> old = interfaces(before);
    Set<Interface> current = interfaces(now);
    Set<Interface> wished = interfaces(detached);
    for (Endpoint endpoint : before) {
      if (!current.contains(Interface.of(endpoint))) {
        events.add(
            wished.contains(Interface.of(endpoint))
                ? new OverlayEvent.ContainerDetached(endpoint)
                : new OverlayEvent.ContainerVanished(endpoint));
      }
    }
    now.stream()
        .filter(endpoint -> !old.contains(Interface.of(endpoint)))
        .forEach(endpoint -> events.add(new OverlayEvent.ContainerAttached(endpoint)));
    return events;
  }

  private static Set<Interface> interfaces(Iterable<Endpoint> endpoints) {
    Set<Interface> interfaces = new HashSet<>();
    endpoints.forEach(endpoint -> interfaces.add(Interface.of(endpoint)));
    return interfaces;
  }
}
