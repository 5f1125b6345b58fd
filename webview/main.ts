/** Entry point of the page: registers elements and styles, builds the app, then asks the host for the state. */
import { App } from './shell/app';
import { addStyles } from './shell/styles';
import { registerToolkit } from './shell/toolkit';

registerToolkit();
addStyles();
const root = document.createElement('div');
root.id = 'root';
document.body.append(root);
void new App(root).start();
