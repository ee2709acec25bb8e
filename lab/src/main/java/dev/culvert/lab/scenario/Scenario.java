// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.scenario;

import java.util.List;

/** One scenario, walked step by step. */
public interface Scenario {
  String id();

  String title();

  /** Takes the steps. An exception is a step that could not be taken. */
  void run(Stage stage);

  /** All of them, in their order. */
  static List<Scenario> all() {
    return List.of(
        new Scenario1OneContainer(),
        new Scenario2OneHost(),
        new Scenario3OneNetwork(),
        new Scenario4aPlainRoutes(),
        new Scenario4bPublishedPort(),
        new Scenario4c6Ipv6Underlay(),
        new Scenario4cOverlay(),
        new Scenario4dUserspace(),
        new Scenario5HostsComeAndGo(),
        new Scenario6Outside());
  }
}
