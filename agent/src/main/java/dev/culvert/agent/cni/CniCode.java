// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

/** The numbers of errors: the specification's ("Error", section 5), and from 100 on our own. */
enum CniCode {
  INCOMPATIBLE_VERSION(1),
  /** The sentence names key and value. */
  UNSUPPORTED_FIELD(2),
  /** The runtime need not clean up. */
  UNKNOWN_CONTAINER(3),
  /** The sentence names the variables. */
  INVALID_ENVIRONMENT(4),
  IO_FAILURE(5),
  UNDECODABLE(6),
  INVALID_CONFIGURATION(7),
  /** It will pass by itself. */
  TRY_AGAIN_LATER(11),
  /** Nothing can be added now. */
  NOT_AVAILABLE(50),
  /** And containers that are there may be cut off. */
  LIMITED_CONNECTIVITY(51),
  INTERFACE_EXISTS(100),
  ADDRESS_TAKEN(101),
  /** CHECK found something else than ADD made. */
  NOT_AS_ADDED(102),
  /** By the overlay or the kernel, for the reason in the sentence. */
  REFUSED(103);

  private final int number;

  CniCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
