// SPDX-License-Identifier: Apache-2.0
/**
 * The contestants, each set up as its own project does it. Each class names its source; the same
 * commands, to be run by hand, are in bench/by-hand.sh.
 */
package dev.culvert.bench.endtoend.peer;
