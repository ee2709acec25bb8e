// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

/** How much the specification wants it (RFC 2119). */
public enum Level {
  MUST,
  SHOULD
}
