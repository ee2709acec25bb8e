// SPDX-License-Identifier: Apache-2.0
/** The ways to join a lab's containers: Culvert, and the peers that it is compared with. */
package dev.culvert.lab.datapath;
