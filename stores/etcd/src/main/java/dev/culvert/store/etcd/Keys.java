// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.util.Optional;

/**
 * The names of the keys below a prefix. Leases of one length lie side by side, so that a claim can
 * compare "nobody claimed anything of another length" as two ranges of keys.
 *
 * <pre>
 * PREFIX/leases/VNI/LENGTH/ADDRESS      a lease, as in docs/lease-files.md
 * PREFIX/released/VNI/LENGTH/ADDRESS    the generation of a lease that was given back
 * PREFIX/networks/VNI                   what hosts of a network must agree on: docs/network.md
 * PREFIX/generations                    those of new leases are above it, after a backup was restored
 * PREFIX/store                          there since the first host looked: without it all was lost
 * PREFIX/new                            there for the first seconds
 * </pre>
 */
record Keys(String prefix) {
  String leases() {
    return prefix + "/leases/";
  }

  String released() {
    return prefix + "/released/";
  }

  String networks() {
    return prefix + "/networks/";
  }

  /** What hosts of a network must agree on. */
  String settings(Vni vni) {
    return networks() + vni;
  }

  String floor() {
    return prefix + "/generations";
  }

  String mark() {
    return prefix + "/store";
  }

  String fresh() {
    return prefix + "/new";
  }

  String lease(Subnet subnet) {
    return leases() + name(subnet);
  }

  String released(Subnet subnet) {
    return released() + name(subnet);
  }

  /** Everything below a key's name and a slash: with {@link #end} the range of all of it. */
  String all() {
    return prefix + "/";
  }

  /** The first key after all that begin with a text, which is not empty and ends in ASCII. */
  static String end(String beginning) {
    int last = beginning.length() - 1;
    return beginning.substring(0, last) + (char) (beginning.charAt(last) + 1);
  }

  /** Begins all leases of a network. */
  String network(Vni vni) {
    return leases() + vni + "/";
  }

  /** Begins all leases of a network that are as long as this one. */
  String sameLength(Subnet subnet) {
    return network(subnet.vni()) + subnet.prefix().length() + "/";
  }

  private static String name(Subnet subnet) {
    return subnet.vni()
        + "/"
        + subnet.prefix().length()
        + "/"
        + IpAddresses.text(subnet.prefix().address());
  }

  /**
   * The subnet that a key is about.
   *
   * @param below {@link #leases} or {@link #released}
   * @return empty for a key that is not named as we name ours
   */
  static Optional<Subnet> subnet(String key, String below) {
    String[] parts = key.substring(below.length()).split("/", -1);
    if (parts.length != 3) {
      return Optional.empty();
    }
    try {
      Subnet subnet =
          new Subnet(
              new Vni(Integer.parseInt(parts[0])), IpPrefix.parse(parts[2] + "/" + parts[1]));
      return Optional.of(subnet).filter(named -> (below + name(named)).equals(key));
    } catch (RefusedException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
