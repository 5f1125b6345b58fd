/** Where the page starts: elements, styles, then the parts; the host is asked for the state once they stand. */
import { App } from './shell/app';
import { addStyles } from './shell/styles';
import { registerToolkit } from './shell/toolkit';

registerToolkit();
addStyles();
const root = document.createElement('div');
root.id = 'root';
document.body.append(root);
void new App(root).start();
