// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.OverlayEvent.ContainerAttached;
import dev.culvert.control.OverlayEvent.ContainerDetached;
import dev.culvert.control.OverlayEvent.ContainerVanished;
import dev.culvert.control.OverlayEvent.Fenced;
import dev.culvert.control.OverlayEvent.PeerCame;
import dev.culvert.control.OverlayEvent.PeerChanged;
import dev.culvert.control.OverlayEvent.PeerGone;
import dev.culvert.control.OverlayEvent.ProblemBegan;
import dev.culvert.control.OverlayEvent.ProblemEnded;
import dev.culvert.control.OverlayEvent.Snapshot;
import dev.culvert.control.OverlayEvent.Unfenced;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Endpoint;
import dev.culvert.kernel.InterfaceName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Whoever subscribes is told of all that changes, in order, and is in nobody's way. */
final class EventsTest extends OverlayFixture {
  private static final InterfaceName ETH0 = new InterfaceName("eth0");

  private final BlockingQueue<OverlayEvent> events = new LinkedBlockingQueue<>();

  private static OverlayEvent next(BlockingQueue<OverlayEvent> from) throws InterruptedException {
    OverlayEvent event = from.poll(5, TimeUnit.SECONDS);
    assertTrue(event != null, "no event came in 5 seconds");
    return event;
  }

  /** The next of a kind; what comes before it is passed over. */
  private <T extends OverlayEvent> T next(Class<T> kind, Predicate<T> which) throws Exception {
    List<OverlayEvent> others = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      OverlayEvent event = events.poll(5, TimeUnit.SECONDS);
      if (kind.isInstance(event) && which.test(kind.cast(event))) {
        return kind.cast(event);
      }
      others.add(event);
      if (event == null) {
        break;
      }
    }
    throw new AssertionError("no such " + kind.getSimpleName() + " among " + others);
  }

  private Overlay subscribed() throws Exception {
    Overlay overlay = start();
    await("the snapshot of the store", () -> overlay.status().storeRevision() > 0);
    Overlay.Subscription _ = overlay.subscribe(events::add);
    assertEquals(new Snapshot(overlay.status(), false), next(events));
    return overlay;
  }

  @Test
  void peersComeChangeAndGo() throws Exception {
    Overlay overlay = subscribed();
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    PeerCame came = assertInstanceOf(PeerCame.class, next(events));
    assertEquals("10.244.2.0/24", came.peer().subnet().prefix().toString());
    assertEquals(overlay.status().remotes(), List.of(came.peer()));

    datapath.route("10.18.2.2", viaRouter("10.17.2.99"));
    clock.advance(Duration.ofSeconds(1));
    overlay.status();
    PeerChanged changed = assertInstanceOf(PeerChanged.class, next(events));
    assertEquals(came.peer(), changed.before());
    assertEquals(Optional.of(viaRouter("10.17.2.99")), changed.now().nextHop());

    memory.release(memory.list().getLast());
    assertEquals(new PeerGone(changed.now()), next(events));
    assertNull(events.poll(), "and nothing else");
  }

  @Test
  void problemsBeginAndEnd() throws Exception {
    Overlay overlay = subscribed();
    store.setAway(true);
    clock.advance(Duration.ofSeconds(10));
    overlay.status();
    String sentence = next(ProblemBegan.class, _ -> true).problem();
    assertTrue(overlay.status().problems().contains(sentence), sentence);
    store.setAway(false);
    clock.advance(Duration.ofSeconds(10));
    overlay.status();
    assertEquals(new ProblemEnded(sentence), next(events));
  }

  @Test
  void aLostLeaseIsTold() throws Exception {
    Overlay overlay = subscribed();
    Lease own = memory.list().getFirst();
    store.setAway(true);
    clock.advance(LEASE.plusSeconds(1)); // and this process slept
    overlay.status();
    assertEquals(own, next(Fenced.class, _ -> true).lease());
    assertEquals(Set.of(own.subnet()), overlay.status().fenced());
    store.setAway(false);
    clock.advance(Duration.ofMinutes(1));
    overlay.status();
    assertEquals(own.subnet(), next(Unfenced.class, _ -> true).lease().subnet());
    assertEquals(Set.of(), overlay.status().fenced());
  }

  @Test
  void containersAreAttachedDetachedAndVanish() throws Exception {
    Overlay overlay = subscribed();
    Endpoint first = overlay.attach(NETNS, ETH0, Optional.empty());
    assertEquals(new ContainerAttached(first), next(events));
    overlay.detach(first.address());
    assertEquals(new ContainerDetached(first), next(events));

    Endpoint second = overlay.attach(NETNS, ETH0, Optional.empty());
    assertEquals(new ContainerAttached(second), next(events));
    datapath.vanish(second.address());
    await(
        "a look",
        () -> {
          clock.advance(Duration.ofMillis(20));
          return overlay.status().endpoints().isEmpty();
        });
    assertEquals(new ContainerVanished(second), next(events));
  }

  @Test
  void whoThrowsIsToldOfWhatComesNextAndOthersAreNotConcerned() throws Exception {
    Overlay overlay = start();
    BlockingQueue<OverlayEvent> failing = new LinkedBlockingQueue<>();
    Overlay.Subscription _ =
        overlay.subscribe(event -> {
          failing.add(event);
          throw new AssertionError("a subscriber's own mistake");
        });
    Overlay.Subscription _ = overlay.subscribe(events::add);
    Endpoint endpoint = overlay.attach(NETNS, ETH0, Optional.empty());
    for (BlockingQueue<OverlayEvent> queue : List.of(failing, events)) {
      assertInstanceOf(Snapshot.class, next(queue));
      OverlayEvent event = next(queue);
      while (event instanceof ProblemEnded || event instanceof ProblemBegan) {
        event = next(queue);
      }
      assertEquals(new ContainerAttached(endpoint), event);
    }
  }

  /** Whoever is stuck gets, in place of more than it has room for, how things stand. */
  @Test
  void whoFallsBehindGetsASnapshotInstead() throws Exception {
    Overlay overlay = start();
    CountDownLatch stuck = new CountDownLatch(1);
    Overlay.Subscription _ =
        overlay.subscribe(event -> {
          events.add(event);
          try {
            stuck.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    assertInstanceOf(Snapshot.class, next(events));
    for (int i = 0; i <= Subscriber.ROOM / 2; i++) {
      overlay.detach(overlay.attach(NETNS, ETH0, Optional.empty()).address());
    }
    datapath.refuse(Change.PutRemote.class::isInstance); // whatever else happens
    Endpoint last = overlay.attach(NETNS, ETH0, Optional.empty());
    stuck.countDown();
    Snapshot snapshot = assertInstanceOf(Snapshot.class, next(events));
    assertTrue(snapshot.missed());
    assertEquals(List.of(last), snapshot.status().endpoints());

    overlay.detach(last.address());
    assertEquals(new ContainerDetached(last), next(events), "and events again");
  }

  @Test
  void aSubscriberMayCallTheOverlayAndCloseItself() throws Exception {
    Overlay overlay = start();
    AtomicReference<Overlay.Subscription> own = new AtomicReference<>();
    own.set(
        overlay.subscribe(event -> {
          if (event instanceof ContainerAttached(Endpoint endpoint)) {
            overlay.detach(endpoint.address());
            own.get().close();
          }
          events.add(event);
        }));
    Endpoint endpoint = overlay.attach(NETNS, ETH0, Optional.empty());
    next(ContainerAttached.class, _ -> true);
    assertEquals(List.of(), overlay.status().endpoints());
    overlay.detach(overlay.attach(NETNS, ETH0, Optional.empty()).address());
    assertFalse(events.contains(new ContainerDetached(endpoint)), "closed, it is told nothing");
  }

  @Test
  void theEndOfTheOverlayTellsWhatWaitsAndEndsTheThread() throws Exception {
    Overlay overlay = start();
    AtomicReference<Thread> thread = new AtomicReference<>();
    Overlay.Subscription _ =
        overlay.subscribe(event -> {
          thread.set(Thread.currentThread());
          events.add(event);
        });
    assertInstanceOf(Snapshot.class, next(events));
    Endpoint endpoint = overlay.attach(NETNS, ETH0, Optional.empty());
    overlay.close();
    assertTrue(thread.get().join(Duration.ofSeconds(5)), "the thread lives on");
    assertTrue(events.contains(new ContainerAttached(endpoint)), events.toString());
    assertEquals("culvert-events-host-01", thread.get().getName());
    assertTrue(thread.get().isDaemon());
  }
}
