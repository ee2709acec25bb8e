// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * This host's configuration against what the store says of the network. Who comes first writes it;
 * later it is looked at now and then, and written again where the store lost it. Used by the
 * overlay's thread alone.
 */
final class NetworkAgreement {
  private static final System.Logger LOG = System.getLogger(NetworkAgreement.class.getName());

  private final NetworkSettings own;
  private final LeaseStore store;
  private final OverlayConfig config;
  private final Changeover changeover;
  private Optional<NetworkSettings> agreed = Optional.empty();
  private Optional<String> problem = Optional.empty();

  NetworkAgreement(OverlayConfig config, LeaseStore store, Changeover changeover) {
    this.config = config;
    this.own = NetworkSettings.of(config, config.portOr(changeover.port()));
    this.store = store;
    this.changeover = changeover;
  }

  /** What this host sends and takes, and what its leases say of that. */
  Changeover changeover() {
    return changeover;
  }

  /**
   * Before a subnet is asked for.
   *
   * @throws NetworkMismatchException with the keys and both values of each
   * @throws LeaseStoreException when the store does not answer
   */
  void agree() {
    NetworkSettings stored = stored();
    Optional<String> contradiction = stored.contradiction(own(stored));
    if (contradiction.isPresent()) {
      throw new NetworkMismatchException(
          "The configuration of this host contradicts the network in the store: "
              + contradiction.get()
              + "; change the configuration, or the store by \"culvert store network\".");
    }
    if (!agreed.equals(Optional.of(stored))) {
      changeover.begin(stored);
      agreed = Optional.of(stored);
    }
  }

  /** What this host's configuration says; what it leaves out is as in the store. */
  private NetworkSettings own(NetworkSettings stored) {
    return own.following(stored, config.followsPort(), config.followsDirectRouting());
  }

  /** What the store says, or from now on says; a store that keeps none agrees with everybody. */
  private NetworkSettings stored() {
    Optional<NetworkSettings> there = store.network(config.vni());
    if (there.isEmpty()) {
      NetworkSettings wanted = agreed.orElse(own);
      if (store.putNetwork(config.vni(), Optional.empty(), Optional.of(wanted))) {
        return wanted;
      }
      there = store.network(config.vni()); // somebody was first
    }
    return there.orElse(own);
  }

  /** What this host goes by; empty while the store was not reached, and nothing is remembered. */
  Optional<NetworkSettings> agreed() {
    return agreed;
  }

  /**
   * At a start while the store is away: packets travel as they did when this host last heard of it,
   * unless its configuration is another by now.
   *
   * @param remembered by this host
   */
  void goOnBy(Optional<NetworkSettings> remembered) {
    if (agreed.isEmpty()) {
      agreed =
          remembered
              .filter(known -> known.vni().equals(config.vni()))
              .filter(known -> known.contradiction(own(known)).isEmpty());
      agreed.ifPresent(changeover::begin);
    }
  }

  /** What is reserved, as far as is known. */
  Reservations reservations() {
    return agreed.map(NetworkSettings::reservations).orElse(Reservations.NONE);
  }

  /**
   * Looks again: somebody may have changed it, or the store lost it.
   *
   * @return whether packets travel otherwise from now on
   */
  boolean audit() {
    NetworkSettings stored = stored();
    // Started while the store was away: by its configuration. That is not refused afterwards.
    NetworkSettings before = agreed.orElse(own);
    boolean others = stored.withTransport(before.transport()).contradiction(before).isPresent();
    boolean changed = !others && stored.number() > before.number() && changeover.follow(stored);
    agreed = Optional.of(changed ? stored : before.withReservations(stored.reservations()));
    problem = stored.contradiction(own(stored)).map(text -> tell(stored, text));
    return changed;
  }

  private String tell(NetworkSettings stored, String contradiction) {
    return stored.number() > 0 && agreed.filter(stored::equals).isPresent()
        ? "The network was changed, and this host follows, though its configuration says otherwise: "
            + contradiction
            + "; its next start is refused until the two agree."
        : "The network in the store is not what this host goes by: "
            + contradiction
            + "; packets go on as they did, and the next start is refused until the two"
            + " agree.";
  }

  /** This host is gone from the store; what stays there harms nobody who comes back as it was. */
  void left() {
    try {
      own.removeIfUnused(store);
    } catch (LeaseStoreException e) {
      LOG.log(Level.INFO, "What hosts agreed on stays in the store: " + e.getMessage());
    }
  }

  /**
   * @param leases this host's
   */
  List<String> problems(List<Lease> leases) {
    List<String> problems = new ArrayList<>(problem.stream().toList());
    changeover.problem().ifPresent(problems::add);
    for (Lease lease : leases) {
      IpPrefix subnet = lease.subnet().prefix();
      reservations()
          .forbids(config.host(), subnet)
          .ifPresent(why ->
              problems.add(
                  "This host holds "
                      + lease.subnet()
                      + ", which is "
                      + why
                      + " by now; leave the overlay and start again to get another."));
      config.networks().stream()
          .map(OverlayConfig.Network::prefix)
          .filter(network -> Prefixes.contains(network, subnet))
          .flatMap(network -> reservations().of(config.host(), network).stream())
          .filter(reserved -> !reserved.equals(subnet))
          .forEach(reserved ->
              problems.add(
                  "This host holds "
                      + lease.subnet()
                      + " though "
                      + reserved
                      + " is reserved for it; leave the overlay and start again to get it."));
    }
    return problems;
  }
}
