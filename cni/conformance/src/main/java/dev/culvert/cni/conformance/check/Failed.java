// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

/** The plugin is wrong; the message is one sentence: what was expected, what came. */
public final class Failed extends Exception {
  private static final long serialVersionUID = 1;

  Failed(String sentence) {
    super(sentence);
  }
}
