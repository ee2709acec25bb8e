// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfRingBuffer;
import dev.culvert.kernel.host.KernelClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Listens to the programs of one host, with or without a living agent. Several can listen at once;
 * each has a ring buffer of its own. Used by one thread.
 *
 * <p>While it is polled it renews what it asked for; one that dies, however it dies, is forgotten
 * by the programs within five seconds, and packets cost then what they cost before.
 */
public final class Tracer implements AutoCloseable {
  /** Often enough that a busy machine loses no lease. */
  private static final Duration RENEWAL = Duration.ofSeconds(1);

  /**
   * What to tell.
   *
   * @param drops packets that are dropped
   * @param flows packets that are handed on, or left to the slow path
   * @param sample one packet out of so many, at random; 1 for every one
   */
  public record Request(boolean drops, boolean flows, int sample) {
    /**
     * Checks the values.
     *
     * @throws RefusedException for no sample, or neither drops nor flows
     */
    public Request {
      if (sample < 1) {
        throw new RefusedException(
            "One packet out of " + sample + " is no sample: use 1 for every packet, or more.");
      }
      if (!drops && !flows) {
        throw new RefusedException("A trace of neither drops nor flows would be empty.");
      }
    }

    private TracePlaces.Wish wish() {
      int flags = (drops ? Layouts.TRACE_DROPS : 0) | (flows ? Layouts.TRACE_FLOWS : 0);
      return new TracePlaces.Wish(flags, sample, 0);
    }
  }

  private final Libc libc;
  private final TracePlaces places;
  private final BpfRingBuffer ring;
  private final TracePlaces.Wish wish;
  private final int tunnelPort;
  private int place;
  private long renewedNs;

  /** What it was opened for. */
  private record Asked(TracePlaces.Wish wish, int tunnelPort) {}

  private Tracer(Libc libc, TracePlaces places, BpfRingBuffer ring, Asked asked) {
    this.libc = libc;
    this.places = places;
    this.ring = ring;
    this.wish = asked.wish();
    this.tunnelPort = asked.tunnelPort();
    this.place = places.take(wish, ring.map());
    this.renewedNs = KernelClock.monotonicNs(libc);
  }

  /**
   * Begins to listen.
   *
   * @param libc the way to the kernel
   * @param pins the instance's folder
   * @param request what to tell
   * @return a tracer that listens already, the caller's to close
   * @throws RefusedException when the folder holds no datapath of this version, or as many trace
   *     already as there is room for
   */
  public static Tracer open(Libc libc, Path pins, Request request) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pins, "pins");
    Objects.requireNonNull(request, "request");
    return open(libc, Pins.existing(pins), request.wish());
  }

  static Tracer open(Libc libc, Pins pins, TracePlaces.Wish wish) {
    // VXLAN's own until the agent has recorded its.
    int port = pins.identity().map(identity -> identity.vtep().port()).orElse(Vtep.VXLAN_PORT);
    try (Undo undo = new Undo()) {
      TracePlaces places = TracePlaces.open(libc, pins);
      undo.push(places::close);
      BpfRingBuffer ring = BpfRingBuffer.create(libc, "trace_ring", Layouts.TRACE_RING_BYTES);
      undo.push(ring::close);
      Tracer tracer = new Tracer(libc, places, ring, new Asked(wish, port));
      undo.commit();
      return tracer;
    }
  }

  /**
   * Hands over what there is, waiting for it at most so long. To be called again and again, at
   * least once a second: it also renews.
   *
   * @param atMost one second is waited for at most, also where this says longer
   * @param listener called by this thread, for one event after the other
   * @return how many events there were
   */
  public int poll(Duration atMost, Consumer<TraceEvent> listener) {
    Objects.requireNonNull(atMost, "atMost");
    Objects.requireNonNull(listener, "listener");
    if (KernelClock.monotonicNs(libc) - renewedNs >= RENEWAL.toNanos()) {
      renew();
    }
    Duration wait = atMost.compareTo(RENEWAL) < 0 ? atMost : RENEWAL;
    return ring.await(wait)
        ? ring.read(event -> listener.accept(TraceEvent.of(event, tunnelPort)))
        : 0;
  }

  /** Says again what is wanted. */
  void renew() {
    place = places.renew(place, wish, ring.map());
    renewedNs = KernelClock.monotonicNs(libc);
  }

  /**
   * {@return how many events the buffer had no room for so far, since they came faster than they
   * were read}
   */
  public long lost() {
    return places.lost(place);
  }

  /** Ends listening; the programs forget this tracer at once. */
  @Override
  public void close() {
    try {
      places.leave(place);
    } finally {
      ring.close();
      places.close();
    }
  }
}
