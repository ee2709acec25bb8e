// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.util.Optional;

/**
 * What this host writes into its leases: its name, where it is, and until when. Used by the
 * overlay's thread alone.
 */
final class LeaseDraft {
  private final OverlayConfig config;
  private final Changeover changeover;
  private final SteadyClock clock;
  private InetAddress underlayAddress;

  /** That of this host's other lease: a host has one tunnel end. */
  private Optional<MacAddress> commonMac = Optional.empty();

  /** The MAC that the kernel kept from an earlier process: it proves who held a lease. */
  private Optional<MacAddress> knownMac = Optional.empty();

  LeaseDraft(LeaseKeeper.Context context) {
    this.config = context.config();
    this.changeover = context.agreement().changeover();
    this.clock = context.clock();
    this.underlayAddress = config.underlayAddress();
  }

  /**
   * Takes the MAC that this host has already, if there is one.
   *
   * @param common that of its other lease
   */
  void setMacs(Datapath.State state, Optional<Identity> before, Optional<MacAddress> common) {
    commonMac = common;
    knownMac = before.map(identity -> identity.vtep().mac()).or(() -> previousMac(state));
  }

  /** What peers were told before, so that their entries stay right while the store is away. */
  private Optional<MacAddress> previousMac(Datapath.State state) {
    return state.remotes().stream()
        .filter(remote -> remote.subnet().vni().equals(config.vni()))
        .map(RemoteSubnet::local)
        .map(Vtep::mac)
        .findFirst();
  }

  void moveTo(InetAddress address) {
    underlayAddress = address;
  }

  InetAddress underlayAddress() {
    return underlayAddress;
  }

  /** Where this host is now. */
  Vtep vtep(MacAddress mac) {
    return new Vtep(underlayAddress, changeover.port(), mac);
  }

  /** Whether the kernel still knows that this very machine held it. */
  boolean isKnown(Lease held) {
    return knownMac.or(() -> commonMac).filter(held.vtep().mac()::equals).isPresent();
  }

  /** The tunnel end of a machine that takes another's place. */
  Vtep successor() {
    return vtep(commonMac.orElseGet(VtepMac::random));
  }

  /** The lease as it should stand in the store; a static one stays static and keeps its MAC. */
  Lease wanted(Lease held) {
    return new Lease(
        held.subnet(),
        config.host(),
        vtep(commonMac.orElse(held.vtep().mac())),
        held.generation(),
        held.term().map(_ -> Lease.Term.from(clock.stamp(), config.leaseDuration())),
        changeover.stage());
  }

  /** A lease of a subnet that is to be this host's. */
  Lease of(Subnet subnet, long generation) {
    return of(subnet, mac(), generation);
  }

  Lease of(Subnet subnet, MacAddress mac, long generation) {
    return new Lease(
        subnet,
        config.host(),
        vtep(mac),
        generation,
        Optional.of(Lease.Term.from(clock.stamp(), config.leaseDuration())),
        changeover.stage());
  }

  private MacAddress mac() {
    return commonMac
        .or(() -> knownMac)
        .orElseGet(() -> VtepMac.derive(config.host(), config.vni()));
  }
}
