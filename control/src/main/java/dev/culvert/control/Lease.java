// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * One host's claim on one subnet. Immutable.
 *
 * @param subnet what is claimed, in one network
 * @param host the holder's name, unique in the network
 * @param vtep the holder's tunnel end; its MAC tells two machines of one name and address apart
 * @param generation raised by one at each change of this subnet's lease, and never lowered; an
 *     older one never wins. A store sets it; 0 means not stored yet
 * @param term empty for a static lease, which never ends by itself
 * @param stage how far the holder has followed changes of the network
 */
public record Lease(
    Subnet subnet, HostName host, Vtep vtep, long generation, Optional<Term> term, Stage stage) {
  private static final Instant EARLIEST = Instant.EPOCH;
  private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

  /**
   * How far a host has followed {@linkplain NetworkSettings.Change changes} of its network.
   *
   * @param accepts the number of the last change whose packets it takes
   * @param sends the number of the last change since which it sends nothing of before
   */
  public record Stage(long accepts, long sends) {
    /** Of a network that was never changed while hosts ran. */
    public static final Stage NONE = new Stage(0, 0);

    /**
     * Checks the two.
     *
     * @throws RefusedException for negative numbers, or for sending what it does not take
     */
    public Stage {
      if (sends < 0 || accepts < sends) {
        throw new RefusedException(
            "A host that accepts change " + accepts + " does not send by change " + sends + ".");
      }
    }
  }

  /**
   * When a lease ends, by its holder's clock, which need not agree with anybody else's: how long it
   * lasts is what the two tell for certain.
   *
   * @param renewed when its holder renewed it last; empty where nobody wrote it
   * @param expires when it ends unless it is renewed
   */
  public record Term(Optional<Instant> renewed, Instant expires) {
    /**
     * Checks the two.
     *
     * @throws RefusedException for an end outside the years 1970 to 9999, or before its beginning
     */
    public Term {
      Objects.requireNonNull(expires, "expires");
      Objects.requireNonNull(renewed, "renewed");
      if (expires.isBefore(EARLIEST) || expires.isAfter(LATEST)) {
        throw new RefusedException(
            "A lease cannot end at "
                + expires
                + ": give a time from 1970 to 9999, or none for a static lease.");
      }
      if (renewed.isPresent() && renewed.get().isAfter(expires)) {
        throw new RefusedException(
            "A lease that was renewed at " + renewed.get() + " cannot end at " + expires + ".");
      }
    }

    /**
     * {@return a term that begins now}
     *
     * @param now by the holder's clock
     * @param length how long it lasts unless it is renewed; not negative
     * @throws RefusedException for an end outside the years 1970 to 9999
     */
    public static Term from(Instant now, Duration length) {
      Objects.requireNonNull(now, "now");
      Objects.requireNonNull(length, "length");
      return new Term(Optional.of(now), now.plus(length));
    }

    /**
     * {@return a term of which nobody says when it began, as in a file that a person wrote}
     *
     * @param expires by the holder's clock
     * @throws RefusedException for an end outside the years 1970 to 9999
     */
    public static Term until(Instant expires) {
      Objects.requireNonNull(expires, "expires");
      return new Term(Optional.empty(), expires);
    }

    /**
     * {@return how long it lasts from one renewal on, whatever anybody's clock says}
     *
     * @param usual what is returned where its holder did not say when it renewed
     */
    public Duration length(Duration usual) {
      Objects.requireNonNull(usual, "usual");
      return renewed.map(since -> Duration.between(since, expires)).orElse(usual);
    }
  }

  /**
   * Checks the generation.
   *
   * @throws RefusedException for a negative one
   */
  public Lease {
    Objects.requireNonNull(subnet, "subnet");
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(vtep, "vtep");
    Objects.requireNonNull(term, "term");
    Objects.requireNonNull(stage, "stage");
    if (generation < 0) {
      throw new RefusedException(
          "The generation " + generation + " of the lease of " + subnet + " is negative.");
    }
  }

  /**
   * Of a network that was never changed while hosts ran.
   *
   * @param subnet what is claimed, in one network
   * @param host the holder's name, unique in the network
   * @param vtep the holder's tunnel end
   * @param generation 0 means not stored yet
   * @param term empty for a static lease
   */
  public Lease(Subnet subnet, HostName host, Vtep vtep, long generation, Optional<Term> term) {
    this(subnet, host, vtep, generation, term, Stage.NONE);
  }

  /**
   * {@return the same claim in another generation; this one is left as it is}
   *
   * @param other 0 for a lease that is not stored yet
   * @throws RefusedException for a negative one
   */
  public Lease withGeneration(long other) {
    return new Lease(subnet, host, vtep, other, term, stage);
  }

  /**
   * {@return the same claim for another time; this one is left as it is}
   *
   * @param other empty for a static lease
   */
  public Lease withTerm(Optional<Term> other) {
    return new Lease(subnet, host, vtep, generation, other, stage);
  }

  /**
   * {@return the same claim of a host that is elsewhere; this one is left as it is}
   *
   * @param other where its holder is now
   */
  public Lease withVtep(Vtep other) {
    return new Lease(subnet, host, other, generation, term, stage);
  }

  /** {@return whether it never ends by itself: somebody's own file or entry} */
  public boolean isStatic() {
    return term.isEmpty();
  }

  /** {@return when it ends unless it is renewed, by its holder's clock; empty for a static one} */
  public Optional<Instant> expires() {
    return term.map(Term::expires);
  }

  /**
   * {@return whether it ended before {@code now}; a static one never does}
   *
   * @param now by the holder's clock: by another the answer is off by as much as the two differ
   */
  public boolean isExpired(Instant now) {
    Objects.requireNonNull(now, "now");
    return expires().isPresent() && expires().get().isBefore(now);
  }

  /**
   * {@return whether the same machine holds both: name and MAC are the same} The address and the
   * time may have changed.
   *
   * @param other of any subnet
   */
  public boolean hasHolderOf(Lease other) {
    Objects.requireNonNull(other, "other");
    return host.equals(other.host) && vtep.mac().equals(other.vtep.mac());
  }

  /** As in {@code 10.244.1.0/24 (VNI 1) of host-01}. */
  @Override
  public String toString() {
    return subnet + " of " + host;
  }
}
