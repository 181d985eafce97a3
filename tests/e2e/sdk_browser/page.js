// Runs in the page, bundled with the unmodified browser SDK. The driver calls fhStart and fhObey
// and listens to fhSay.
import * as sdk from 'featurehub-javascript-client-sdk';
import { follow } from '../sdk_js/follow.js';

let followed;

window.fhStart = (options) => {
  followed = follow(sdk, options, window.fhSay);
  return followed.start();
};
window.fhObey = (order) => followed.obey(order);
