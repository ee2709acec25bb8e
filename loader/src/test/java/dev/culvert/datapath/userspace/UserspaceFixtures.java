// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.host.Fixture;
import java.util.List;

/** For tests in other packages: what is kept is no part of the interface to the outside. */
@SuppressWarnings("exports") // Tests are of this module, whatever it exports.
public final class UserspaceFixtures {
  private UserspaceFixtures() {}

  /**
   * What a datapath keeps on its host.
   *
   * @param datapath that has been started
   * @return see {@link dev.culvert.datapath.host.HostPlan}
   */
  public static List<Fixture> of(UserspaceDatapath datapath) {
    return datapath.fixtures();
  }
}
